use super::{
    BuiltInTemplateVariables, ChainElementConfig, PrivateCopyError, PrivateCopyExtraFiles,
    TemplateValueSources, ToolEnvironment, ToolPrivateCopy, ToolRunError, ToolRunRequest, config,
    http_request::HttpRequest, primitive::PrimitiveKind, private_copy, schema, search_paths,
    subprocess::ToolSubprocessPlan, template,
};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Everything that a run needs, found out before anything is started.
#[derive(Debug)]
pub(super) struct ToolRunPlan {
    pub(super) work: ToolRunWork,
    /// The private copy of the tool, where the config speaks of it.
    pub(super) copy: Option<ToolPrivateCopy>,
    /// Where private copies are made.
    pub(super) temporary: PathBuf,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum ToolRunWork {
    Subprocess(ToolSubprocessPlan),
    Http(HttpRequest, ToolEnvironment),
}

impl ToolRunPlan {
    /// Checks a job and works out what it comes to.
    pub(super) fn new(job: &ToolRunRequest<'_>) -> Result<Self, ToolRunError> {
        let primitive = primitive_of(job.steps)?;
        if !job.project.is_absolute() {
            return Err(ToolRunError::RelativeProject(job.project.to_owned()));
        }
        if let Some(schema) = job.schema {
            schema::check(schema, job.parameters)?;
        }
        let raw = config::merge(job.steps.iter().rev().filter_map(|step| step.config));
        let mut environment = ToolEnvironment::new(job.environment.clone());
        search_paths::clean(&mut environment);
        let temporary = temporary(job, &environment);
        let copy = copy(job, &raw, &temporary)?;
        let mut reserved = BuiltInTemplateVariables::new(
            job.project,
            job.user_space,
            job.system_space,
            job.parameters,
        )?;
        if let Some(copy) = &copy {
            reserved = reserved.with_tool(copy.path())?;
        }
        announce(&mut environment, job);
        for step in job.steps.iter().rev() {
            if let Some(config) = step.env_config {
                environment.add(step.id, config, &reserved, job.project)?;
            }
        }
        let template = TemplateValueSources {
            environment: &environment,
            reserved: &reserved,
            parameters: Some(job.parameters),
        };
        let filled = template.object(&raw, "")?;
        let work = match primitive {
            PrimitiveKind::Subprocess => {
                let mut process = ToolSubprocessPlan::new(&raw, &filled, environment, job.project)?;
                announce(&mut process.environment, job);
                ToolRunWork::Subprocess(process)
            }
            PrimitiveKind::HttpClient => ToolRunWork::Http(HttpRequest::new(&filled)?, environment),
        };
        Ok(Self { work, copy, temporary })
    }
}

fn primitive_of(steps: &[ChainElementConfig<'_>]) -> Result<PrimitiveKind, ToolRunError> {
    let last = steps.last().ok_or(ToolRunError::NoSteps)?;
    PrimitiveKind::of(last.id).ok_or_else(|| ToolRunError::UnknownPrimitive(last.id.clone()))
}

/// Tells the tool its id. Its file's place is where it was read, not where its private copy is.
fn announce(environment: &mut ToolEnvironment, job: &ToolRunRequest<'_>) {
    if let Some(tool) = job.steps.first() {
        environment.set("LOKT_TOOL_ID", tool.id.as_str());
    }
    match job.original {
        Some(path) => environment.set("LOKT_TOOL_PATH", path),
        None => environment.remove("LOKT_TOOL_PATH"),
    }
}

/// Where private copies are made: in the folder for temporary files, as the caller's environment names it.
///
/// JavaScript looks for packages in all folders above a file, and in `/tmp` others could lay some; so its
/// copies are in the user's own space.
fn temporary(job: &ToolRunRequest<'_>, environment: &ToolEnvironment) -> PathBuf {
    if is_javascript(job) {
        return job.user_space.join("runs");
    }
    let named = environment.get("TMPDIR").map(PathBuf::from);
    named.filter(|path| path.is_absolute()).unwrap_or_else(|| PathBuf::from("/tmp"))
}

fn copy(
    job: &ToolRunRequest<'_>,
    raw: &Map<String, Value>,
    temporary: &Path,
) -> Result<Option<ToolPrivateCopy>, ToolRunError> {
    let mut texts = job.steps.iter().filter_map(|step| step.env_config).chain([raw]);
    if !texts.any(|object| template::mentions(object, BuiltInTemplateVariables::TOOL_PATH)) {
        return Ok(None);
    }
    if !is_javascript(job) {
        return Ok(Some(ToolPrivateCopy::new(
            temporary,
            job.file_name,
            job.bytes,
            PrivateCopyExtraFiles::Nothing,
        )?));
    }
    let made = lokt_lock::sys::make_folder(temporary, 0o700);
    made.map_err(|source| PrivateCopyError::Files { path: temporary.to_owned(), source })?;
    let modules = job.original.and_then(|path| private_copy::modules_of(path, job.project));
    let beside = PrivateCopyExtraFiles::Packages(modules.as_deref());
    Ok(Some(ToolPrivateCopy::new(temporary, job.file_name, job.bytes, beside)?))
}

fn is_javascript(job: &ToolRunRequest<'_>) -> bool {
    let extension = Path::new(job.file_name).extension().and_then(|it| it.to_str());
    matches!(extension, Some("js" | "mjs" | "cjs" | "ts"))
}
