use super::{
    Environment, Job, Reserved, RunError, Stage, Step, Template, config, http_request::HttpRequest,
    primitive::Primitive, schema, stage, subprocess::Subprocess, template,
};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Everything that a run needs, found out before anything is started.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) work: Work,
    /// The private copy of the tool, where the config speaks of it.
    pub(super) stage: Option<Stage>,
    /// Where private copies are made.
    pub(super) temporary: PathBuf,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Work {
    Subprocess(Subprocess),
    Http(HttpRequest, Environment),
}

impl Plan {
    /// Checks a job and works out what it comes to.
    pub(super) fn new(job: &Job<'_>) -> Result<Self, RunError> {
        let primitive = primitive_of(job.steps)?;
        if !job.project.is_absolute() {
            return Err(RunError::RelativeProject(job.project.to_owned()));
        }
        if let Some(schema) = job.schema {
            schema::check(schema, job.parameters)?;
        }
        let raw = config::merge(job.steps.iter().rev().filter_map(|step| step.config));
        let mut environment = Environment::new(job.environment.clone());
        let temporary = temporary(&environment);
        let stage = stage(job, &raw, &temporary)?;
        let mut reserved =
            Reserved::new(job.project, job.user_space, job.system_space, job.parameters)?;
        if let Some(stage) = &stage {
            reserved = reserved.with_tool(stage.path())?;
        }
        announce(&mut environment, job);
        for step in job.steps.iter().rev() {
            if let Some(config) = step.env_config {
                environment.add(step.id, config, &reserved, job.project)?;
            }
        }
        let template = Template {
            environment: &environment,
            reserved: &reserved,
            parameters: Some(job.parameters),
        };
        let filled = template.object(&raw, "")?;
        let work = match primitive {
            Primitive::Subprocess => {
                let mut process = Subprocess::new(&raw, &filled, environment, job.project)?;
                announce(&mut process.environment, job);
                Work::Subprocess(process)
            }
            Primitive::HttpClient => Work::Http(HttpRequest::new(&filled)?, environment),
        };
        Ok(Self { work, stage, temporary })
    }
}

fn primitive_of(steps: &[Step<'_>]) -> Result<Primitive, RunError> {
    let last = steps.last().ok_or(RunError::NoSteps)?;
    Primitive::of(last.id).ok_or_else(|| RunError::UnknownPrimitive(last.id.clone()))
}

/// Tells the tool who it is. Its file's place is where it was read, not where its private copy is.
fn announce(environment: &mut Environment, job: &Job<'_>) {
    if let Some(tool) = job.steps.first() {
        environment.set("LOKT_TOOL_ID", tool.id.as_str());
    }
    match job.original {
        Some(path) => environment.set("LOKT_TOOL_PATH", path),
        None => environment.remove("LOKT_TOOL_PATH"),
    }
}

/// The folder for temporary files, as the caller's environment names it.
fn temporary(environment: &Environment) -> PathBuf {
    let named = environment.get("TMPDIR").map(PathBuf::from);
    named.filter(|path| path.is_absolute()).unwrap_or_else(|| PathBuf::from("/tmp"))
}

fn stage(
    job: &Job<'_>,
    raw: &Map<String, Value>,
    temporary: &Path,
) -> Result<Option<Stage>, RunError> {
    let mut texts = job.steps.iter().filter_map(|step| step.env_config).chain([raw]);
    if !texts.any(|object| template::mentions(object, Reserved::TOOL_PATH)) {
        return Ok(None);
    }
    let extension = Path::new(job.file_name).extension().and_then(|it| it.to_str());
    let is_script = matches!(extension, Some("js" | "mjs" | "cjs" | "ts"));
    let original = job.original.filter(|_| is_script);
    let modules = original.and_then(|path| stage::modules_of(path, job.project));
    Ok(Some(Stage::new(temporary, job.file_name, job.bytes, modules.as_deref())?))
}
