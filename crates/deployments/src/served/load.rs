//! Reading a model's folder, and the choice of its engine.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use modelyard_artifacts::ArtifactPath;
use modelyard_models::mlmodel::{MAX_BYTES as MLMODEL_MAX_BYTES, MlModel, MlModelError};
use modelyard_models::native::{Native, Recipe};

use super::python::{Python, PythonOptions};

/// The file that makes a folder a model.
pub(super) const MLMODEL: &str = "MLmodel";
/// Model files above this size go to Python: compiling takes a multiple of it in memory.
const NATIVE_MAX_BYTES: u64 = 1 << 30;
/// Longer examples are not kept: they are for trying a model, not for loading it down.
const EXAMPLE_MAX_BYTES: u64 = 4 << 20;

/// Why a folder is no model that can be served.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no `MLmodel` file.
    #[error("there is no model at {}: it has no file {MLMODEL}", .0.display())]
    Missing(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// Its `MLmodel` file is wrong.
    #[error("{}: {cause}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: MlModelError,
    },
    /// Only the native engine may serve it, which cannot.
    #[error("the native engine does not serve this model: {0}")]
    NotNative(String),
    /// The model's file is damaged, so no engine can serve it.
    #[error("{}: {cause}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: modelyard_estimators::Error,
    },
}

/// Which engine serves a model.
#[derive(Debug)]
pub enum Choice {
    /// The native engine.
    Native(Box<Native>),
    /// Python; with the reason.
    Python(String),
}

/// A model's folder, read.
#[derive(Debug)]
pub struct Loaded {
    /// Its `MLmodel` file.
    pub model: MlModel,
    /// The file that the native engine reads, if there is a recipe for it.
    pub recipe: Option<Recipe>,
    /// The engine.
    pub choice: Choice,
}

impl Loaded {
    /// Reads the model in `folder`, and compiles it if the native engine can.
    ///
    /// # Errors
    /// [`LoadError`] if no engine can serve it.
    pub fn read(folder: &Path) -> Result<Self, LoadError> {
        let model = read_mlmodel(folder)?;
        let recipe = match Recipe::of(&model) {
            Ok(recipe) => recipe,
            Err(why) => return Ok(Self { model, recipe: None, choice: Choice::Python(why) }),
        };
        let choice = compile(folder, &recipe)?;
        Ok(Self { model, recipe: Some(recipe), choice })
    }
}

/// The body of a request that the model was saved with.
pub(super) fn example(folder: &Path, model: &MlModel) -> Option<Vec<u8>> {
    let file = ArtifactPath::parse(model.input_example()?.request_path()?).ok()?;
    let path = folder.join(file.as_str());
    let is_short = std::fs::metadata(&path).ok()?.len() <= EXAMPLE_MAX_BYTES;
    is_short.then(|| std::fs::read(path).ok()).flatten()
}

/// The way to the model's Python.
pub(super) fn python(
    folder: &Path,
    model: &MlModel,
    options: PythonOptions,
) -> Result<Python, LoadError> {
    let malformed = |cause| LoadError::Malformed { path: folder.to_owned(), cause };
    Python::new(folder, model, options).map_err(malformed)
}

fn read_mlmodel(folder: &Path) -> Result<MlModel, LoadError> {
    let path = folder.join(MLMODEL);
    let unreadable = |cause| LoadError::Unreadable { path: path.clone(), cause };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Err(LoadError::Missing(folder.to_owned()));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut text = String::new();
    // One byte more than allowed, so that the reader says that it is too long.
    file.take(MLMODEL_MAX_BYTES as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
    MlModel::read(&text).map_err(|cause| LoadError::Malformed { path: path.clone(), cause })
}

fn compile(folder: &Path, recipe: &Recipe) -> Result<Choice, LoadError> {
    let Ok(file) = ArtifactPath::parse(&recipe.file) else {
        return Ok(Choice::Python(format!("the file '{}' is none below the model", recipe.file)));
    };
    let path = folder.join(file.as_str());
    let read = || -> io::Result<Option<Vec<u8>>> {
        let mut file = File::open(&path)?;
        let about = file.metadata()?;
        if !about.is_file() || about.len() > NATIVE_MAX_BYTES {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.by_ref().take(NATIVE_MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    let bytes = match read() {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let why = format!("{file} is no file of up to {} MiB", NATIVE_MAX_BYTES >> 20);
            return Ok(Choice::Python(why));
        }
        Err(cause) => return Err(LoadError::Unreadable { path, cause }),
    };
    use modelyard_estimators::Error;
    match Native::compile(recipe, &bytes) {
        Ok(native) => Ok(Choice::Native(Box::new(native))),
        Err(Error::NeedsPython(why)) => Ok(Choice::Python(why)),
        Err(error @ Error::TooLarge { .. }) => Ok(Choice::Python(error.to_string())),
        Err(cause) => Err(LoadError::Damaged { path, cause }),
    }
}
