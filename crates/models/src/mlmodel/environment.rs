//! The environment a model wants, from the files beside it, as one description.
//!
//! MLflow looks at `python_env.yaml` first, whose dependencies usually are `-r requirements.txt`,
//! and at `conda.yaml` where there is none, as with models saved before 1.26.

use super::yaml;
use super::{MlModel, MlModelError};
use crate::json::{Dict, Value};

/// Deepest chain of `-r` in requirements; MLflow writes one.
const MAX_NESTING: usize = 8;
/// Most requirements: a frozen environment has a few hundred.
const MAX_REQUIREMENTS: usize = 10_000;

/// One line of requirements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The line without its comment.
    pub text: String,
    /// The project's name, normalised as on PyPI; `None` for options, paths and addresses.
    pub name: Option<String>,
}

/// What a model's environment is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// The version of Python.
    pub python: Option<String>,
    /// What is installed before the rest: `pip`, `setuptools`, `wheel`.
    pub build_dependencies: Vec<String>,
    /// What pip installs, `-r` resolved.
    pub requirements: Vec<Requirement>,
    /// Lines that limit versions without installing anything.
    pub constraints: Vec<Requirement>,
    /// Packages that only conda has, without Python and pip.
    pub conda_packages: Vec<String>,
    /// Where conda looks for them.
    pub conda_channels: Vec<String>,
    /// The files that were read, in order.
    pub files: Vec<String>,
}

/// Gives the text of a file beside the `MLmodel` file, if it is there.
type Files<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Environment {
    /// Reads the environment of a model. A model without any such file has an empty one.
    pub fn read(model: &MlModel, files: Files<'_>) -> Result<Self, MlModelError> {
        let pyfunc = model.pyfunc();
        let virtualenv = pyfunc.and_then(|p| p.virtualenv_file()).unwrap_or("python_env.yaml");
        let conda = pyfunc.and_then(|p| p.conda_file()).unwrap_or("conda.yaml");
        let mut environment = Self::default();
        if let Some(text) = files(virtualenv) {
            environment.files.push(virtualenv.to_owned());
            environment.read_python_env(&text, files)?;
        } else if let Some(text) = files(conda) {
            environment.files.push(conda.to_owned());
            environment.read_conda(&text, files)?;
        } else if let Some(text) = files("requirements.txt") {
            environment.read_requirements("requirements.txt", &text, files, 0)?;
        }
        if environment.python.is_none() {
            environment.python = pyfunc.and_then(|p| p.python_version()).map(str::to_owned);
        }
        Ok(environment)
    }

    fn read_python_env(&mut self, text: &str, files: Files<'_>) -> Result<(), MlModelError> {
        let fields = mapping(text, "python_env.yaml")?;
        self.python = fields.get("python").and_then(yaml::version);
        self.build_dependencies = texts(fields.get("build_dependencies"));
        let lines = texts(fields.get("dependencies")).join("\n");
        self.take_lines(&lines, files, 0)
    }

    fn read_conda(&mut self, text: &str, files: Files<'_>) -> Result<(), MlModelError> {
        let fields = mapping(text, "conda.yaml")?;
        self.conda_channels = texts(fields.get("channels"));
        let dependencies = fields.get("dependencies").and_then(Value::as_list).unwrap_or_default();
        for dependency in dependencies {
            match dependency {
                Value::Str(package) => self.take_conda_package(package),
                Value::Dict(pip) => {
                    let lines = texts(pip.get("pip")).join("\n");
                    self.take_lines(&lines, files, 0)?;
                }
                _ => return Err(MlModelError::Field("a dependency of conda.yaml".into())),
            }
        }
        Ok(())
    }

    fn take_conda_package(&mut self, package: &str) {
        let end = package.find(['=', '<', '>', '!', ' ']).unwrap_or(package.len());
        let (name, rest) = package.split_at(end);
        match name {
            "python" => {
                self.python = rest.strip_prefix('=').map(|v| v.trim_matches('=').to_owned())
            }
            "pip" | "setuptools" | "wheel" => {
                // Conda's one sign of equality is two for pip.
                let rest = match rest.strip_prefix('=') {
                    Some(version) if !version.starts_with('=') => format!("=={version}"),
                    _ => rest.to_owned(),
                };
                self.build_dependencies.push(format!("{name}{rest}"));
            }
            _ => self.conda_packages.push(package.to_owned()),
        }
    }

    fn read_requirements(
        &mut self,
        file: &str,
        text: &str,
        files: Files<'_>,
        depth: usize,
    ) -> Result<(), MlModelError> {
        if depth > MAX_NESTING {
            return Err(MlModelError::Field(format!("{file} is nested too deeply")));
        }
        self.files.push(file.to_owned());
        self.take_lines(text, files, depth)
    }

    fn take_lines(
        &mut self,
        text: &str,
        files: Files<'_>,
        depth: usize,
    ) -> Result<(), MlModelError> {
        for line in lines(text) {
            if let Some(file) = option(&line, "-r", "--requirement") {
                let nested = named(file, files)?;
                self.read_requirements(file, &nested, files, depth + 1)?;
            } else if let Some(file) = option(&line, "-c", "--constraint") {
                let nested = named(file, files)?;
                self.files.push(file.to_owned());
                self.constraints.extend(lines(&nested).map(Requirement::of));
            } else {
                self.requirements.push(Requirement::of(line));
            }
            if self.requirements.len() + self.constraints.len() > MAX_REQUIREMENTS {
                return Err(MlModelError::Field(format!(
                    "more than {MAX_REQUIREMENTS} requirements"
                )));
            }
        }
        Ok(())
    }

    /// The requirement of a project, by any form of its name.
    pub fn requirement(&self, name: &str) -> Option<&Requirement> {
        let name = normalised(name);
        self.requirements.iter().find(|r| r.name.as_deref() == Some(name.as_str()))
    }
}

impl Requirement {
    fn of(text: String) -> Self {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let rest = rest.trim_start();
        let is_project = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && (rest.is_empty() || rest.starts_with(['=', '<', '>', '!', '~', '[', ';', '(', '@']));
        let name = is_project.then(|| normalised(name));
        Self { text, name }
    }

    /// The version, if the line pins one with `==`.
    pub fn pinned(&self) -> Option<&str> {
        let (_, version) = self.text.split_once("==")?;
        let version = version.split([';', ',', ' ']).next()?.trim_start_matches('=');
        (!version.is_empty() && !version.contains('*')).then_some(version)
    }
}

/// A project's name as PyPI compares it.
fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        let c = if matches!(c, '_' | '.') { '-' } else { c.to_ascii_lowercase() };
        if !(c == '-' && out.ends_with('-')) {
            out.push(c);
        }
    }
    out
}

/// The lines that say something: comments and continuations resolved as pip does.
fn lines(text: &str) -> impl Iterator<Item = String> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let lines: Vec<String> = joined
        .lines()
        .map(|line| {
            let line = line.trim();
            let comment = if line.starts_with('#') { Some(0) } else { line.find(" #") };
            line[..comment.unwrap_or(line.len())].trim_end().to_owned()
        })
        .filter(|line| !line.is_empty())
        .collect();
    lines.into_iter()
}

fn option<'a>(line: &'a str, short: &str, long: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(long).or_else(|| line.strip_prefix(short))?;
    let file = rest.trim_start_matches([' ', '=', '\t']);
    (file.len() < rest.len() && !file.is_empty()).then_some(file)
}

/// A file that another one names.
fn named(file: &str, files: Files<'_>) -> Result<String, MlModelError> {
    files(file).ok_or_else(|| MlModelError::Field(format!("{file} is named but missing")))
}

fn mapping(text: &str, file: &str) -> Result<Dict, MlModelError> {
    match yaml::read(text)? {
        Value::Dict(fields) => Ok(fields),
        _ => Err(MlModelError::Field(format!("{file} must be a mapping"))),
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mlmodel: &str, files: &[(&str, &str)]) -> Result<Environment, MlModelError> {
        let model = MlModel::read(mlmodel).unwrap();
        let find =
            |name: &str| files.iter().find(|(n, _)| *n == name).map(|(_, text)| (*text).to_owned());
        Environment::read(&model, &find)
    }

    #[test]
    fn requirements_are_read_as_pip_reads_them() {
        let text = "# made by hand\nscikit_learn[all] == 1.2 ; python_version > '3'  # why\n\n--extra-index-url https://x\nfoo \\\n  >=1\n-c constraints.txt\n./local\nbar @ https://x/y#egg=bar\n";
        let files = [
            (
                "python_env.yaml",
                "python: 3.8\nbuild_dependencies: [pip, wheel]\ndependencies:\n- -r requirements.txt\n",
            ),
            ("requirements.txt", text),
            ("constraints.txt", "numpy<2\n"),
        ];
        let found = read("flavors: {}", &files).unwrap();
        assert_eq!(found.python.as_deref(), Some("3.8"));
        assert_eq!(found.build_dependencies, ["pip", "wheel"]);
        let names: Vec<_> = found.requirements.iter().map(|r| r.name.as_deref()).collect();
        assert_eq!(names, [Some("scikit-learn"), None, Some("foo"), None, Some("bar")]);
        assert_eq!(
            found.requirement("Scikit.Learn").unwrap().text,
            "scikit_learn[all] == 1.2 ; python_version > '3'"
        );
        assert_eq!(found.constraints[0].text, "numpy<2");
        assert_eq!(found.files, ["python_env.yaml", "requirements.txt", "constraints.txt"]);
        assert_eq!(Requirement::of("a==1.5.0; x".into()).pinned(), Some("1.5.0"));
        assert_eq!(Requirement::of("a==1.*".into()).pinned(), None);
    }

    #[test]
    fn conda_serves_where_there_is_nothing_else() {
        let conda = "channels: [defaults]\ndependencies:\n- python=3.6.2\n- pip=20.1\n- scikit-learn=0.20.3\n- pip:\n  - mlflow\n  - cloudpickle==0.6.1\nname: mlflow-env\n";
        let mlmodel = "flavors: {python_function: {env: conda.yaml, python_version: 2.7.16}}";
        let found = read(mlmodel, &[("conda.yaml", conda)]).unwrap();
        assert_eq!(found.python.as_deref(), Some("3.6.2"));
        assert_eq!(found.conda_packages, ["scikit-learn=0.20.3"]);
        assert_eq!(found.build_dependencies, ["pip==20.1"]);
        assert_eq!(found.requirement("cloudpickle").unwrap().pinned(), Some("0.6.1"));
        let nothing = read(mlmodel, &[]).unwrap();
        assert_eq!(nothing.python.as_deref(), Some("2.7.16"));
        assert!(nothing.files.is_empty());
    }

    #[test]
    fn what_leads_nowhere_or_in_circles_is_refused() {
        let circle = read("flavors: {}", &[("requirements.txt", "-r requirements.txt")]);
        assert!(circle.unwrap_err().to_string().contains("nested too deeply"));
        let missing = read("flavors: {}", &[("requirements.txt", "-r other.txt")]);
        assert!(missing.unwrap_err().to_string().contains("other.txt is named but missing"));
    }
}
