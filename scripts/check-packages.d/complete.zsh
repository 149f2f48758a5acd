# Types `lokt gua` and the tab key into a zsh with a terminal, and looks whether it becomes `lokt guard`.
zmodload zsh/zpty zsh/zselect
zpty shell zsh -f -i
type() { zpty -w shell "$1" }
type "PS1='> '; autoload -U compinit; compinit -u -D; ${1-}; print READY"
seen=
for try in {1..100}; do
    zpty -rt shell part && seen+=$part
    [[ $seen == *$'\n'READY* ]] && break
    zselect -t 10
done
zpty -n -w shell $'lokt gua\t'
for try in {1..100}; do
    zpty -rt shell part && seen+=$part
    [[ $seen == *'lokt guard'* ]] && exit 0
    zselect -t 10
done
print -r -- "zsh showed: $seen" >&2
exit 1
