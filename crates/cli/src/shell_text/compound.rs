//! Compound commands: brackets, conditions, loops, `case`, `[[` and arithmetic.

use super::reader::{Read, ShellLineReader, UnreadableLineError};

/// Reserved words that only another one can precede.
const INNER: [&str; 8] = ["then", "elif", "else", "fi", "do", "done", "esac", "}"];

impl ShellLineReader<'_> {
    /// Reads one command of a pipeline.
    pub(super) fn command(&mut self) -> Read {
        self.skip_blanks();
        let word = self.reserved();
        if word == "coproc" {
            return Err(UnreadableLineError::Unsupported("coproc"));
        }
        if INNER.contains(&word) {
            return Err(self.unexpected());
        }
        if word == "function" {
            return self.named_function();
        }
        if self.peek() == Some(b'(') || is_compound(word) { self.compound() } else { self.simple() }
    }

    /// Reads a compound command, which the body of a function is too.
    pub(super) fn compound(&mut self) -> Read {
        let word = self.reserved();
        if self.starts_with("((") {
            self.at += 2;
            self.arithmetic()?;
            return self.redirections();
        }
        if self.eats("(") {
            self.list(&[])?;
            self.expect(")")?;
            return self.redirections();
        }
        if !is_compound(word) {
            return Err(self.unexpected());
        }
        self.at += word.len();
        match word {
            "{" => self.body("}")?,
            "if" => self.condition()?,
            "while" | "until" => {
                self.list(&["do"])?;
                self.expect_reserved("do")?;
                self.body("done")?;
            }
            "for" | "select" => self.for_loop()?,
            "case" => self.case()?,
            _ => self.test()?,
        }
        self.redirections()
    }

    fn body(&mut self, end: &str) -> Read {
        self.list(&[end])?;
        self.expect_reserved(end)
    }

    fn condition(&mut self) -> Read {
        loop {
            self.list(&["then"])?;
            self.expect_reserved("then")?;
            self.list(&["elif", "else", "fi"])?;
            match self.reserved() {
                "elif" => self.at += 4,
                "else" => {
                    self.at += 4;
                    return self.body("fi");
                }
                _ => return self.expect_reserved("fi"),
            }
        }
    }

    fn for_loop(&mut self) -> Read {
        self.skip_blanks();
        if self.eats("((") {
            self.arithmetic()?;
        } else {
            self.required_word()?;
        }
        self.skip_newlines()?;
        if self.reserved() == "in" {
            self.at += 2;
            self.words()?;
        }
        self.skip_blanks();
        self.eats(";");
        self.skip_newlines()?;
        self.expect_reserved("do")?;
        self.body("done")
    }

    /// Reads words up to the end of the line or a semicolon.
    fn words(&mut self) -> Read {
        loop {
            self.skip_blanks();
            if matches!(self.peek(), None | Some(b'\n' | b';')) {
                return Ok(());
            }
            self.required_word()?;
        }
    }

    pub(super) fn required_word(&mut self) -> Read {
        let before = self.at;
        self.word()?;
        if self.at == before { Err(self.unexpected()) } else { Ok(()) }
    }

    fn case(&mut self) -> Read {
        self.skip_blanks();
        self.required_word()?;
        self.skip_newlines()?;
        self.expect_reserved("in")?;
        loop {
            self.skip_newlines()?;
            if self.reserved() == "esac" {
                return self.expect_reserved("esac");
            }
            self.case_patterns()?;
            self.list(&["esac"])?;
            if !(self.eats(";;&") || self.eats(";;") || self.eats(";&")) {
                return self.expect_reserved("esac");
            }
        }
    }

    fn case_patterns(&mut self) -> Read {
        self.eats("(");
        loop {
            self.skip_blanks();
            self.required_word()?;
            self.skip_blanks();
            if !self.eats("|") {
                return self.expect(")");
            }
        }
    }

    /// Reads what is between `[[` and `]]`, where operators are part of an expression.
    fn test(&mut self) -> Read {
        loop {
            self.skip_blanks();
            match self.peek() {
                None | Some(b';' | b'#') => return Err(self.unexpected()),
                Some(b'\n') => self.newline()?,
                _ if self.reserved() == "]]" => return self.expect_reserved("]]"),
                Some(b'(' | b')' | b'<' | b'>' | b'|' | b'&') => self.at += 1,
                _ => self.required_word()?,
            }
        }
    }

    /// Reads what is behind `((`, up to `))`.
    pub(super) fn arithmetic(&mut self) -> Read {
        self.nested(Self::arithmetic_parts)
    }

    fn arithmetic_parts(&mut self) -> Read {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b')' if open == 0 => return self.end_of_arithmetic(),
                b'(' => open += 1,
                b')' => open -= 1,
                _ if self.part_of_quotation(byte)? => continue,
                _ => {}
            }
            self.at += 1;
        }
        Err(UnreadableLineError::Unclosed("arithmetic"))
    }

    fn end_of_arithmetic(&mut self) -> Read {
        // With a single bracket it would be a subshell in a subshell.
        if self.eats("))") { Ok(()) } else { Err(UnreadableLineError::Unsupported("`((`")) }
    }

    fn named_function(&mut self) -> Read {
        self.expect_reserved("function")?;
        self.skip_blanks();
        let name = self.word()?;
        if !name.is_bare() || name.text().is_empty() {
            return Err(self.unexpected());
        }
        self.line.functions.insert(name.text().to_owned());
        self.skip_blanks();
        if self.eats("(") {
            self.skip_blanks();
            self.expect(")")?;
        }
        self.skip_newlines()?;
        self.compound()
    }
}

fn is_compound(word: &str) -> bool {
    ["{", "if", "while", "until", "for", "select", "case", "[["].contains(&word)
}
