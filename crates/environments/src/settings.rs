//! What the operator decides, and what installers get to know of this process's environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use crate::error::Error;

/// Variables that installers may see, beside those by [`PREFIXES`].
const NAMES: [&str; 31] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NETRC",
    "PYENV_ROOT",
    "MAMBA_ROOT_PREFIX",
    "CC",
    "CXX",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "PKG_CONFIG_PATH",
];
/// Installers' own settings, and where certificates and sentences of the language are.
const PREFIXES: [&str; 6] = ["PIP_", "UV_", "CONDA_", "MAMBA_", "SSL_CERT_", "LC_"];
/// Settings of installers that would send the packages elsewhere than into the environment, or take others.
const REDIRECTING: [&str; 20] = [
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_PYTHON",
    "PIP_REQUIREMENT",
    "PIP_EDITABLE",
    "PIP_DRY_RUN",
    "PIP_IGNORE_INSTALLED",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
    "UV_VENV_CLEAR",
    "UV_VENV_SEED",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "CONDA_SHLVL",
];

/// What the operator decides.
#[derive(Clone)]
pub struct Settings {
    /// The folder of all environments. Nobody else should be able to write there: what lies in it is executed.
    pub root: PathBuf,
    /// The interpreter of [`EnvManager::Local`](crate::EnvManager::Local), and of environments that want no version;
    /// `None` for `python3` of `PATH`.
    pub python: Option<PathBuf>,
    /// Whether nothing may be fetched: what is missing is an error. `UV_OFFLINE` asks for it, too.
    pub offline: bool,
    /// Further variables for installers, such as one that `requirements.txt` names in the address of an index.
    pub pass: Vec<String>,
    /// This process's environment, of which installers see what is allowed.
    pub variables: BTreeMap<OsString, OsString>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the variables, which hold secrets.
        f.debug_struct("Settings")
            .field("root", &self.root)
            .field("python", &self.python)
            .field("offline", &self.offline)
            .field("pass", &self.pass)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Those that the variables of a process say: `MODELYARD_ENV_ROOT`, below the user's cache folder without it, and
    /// `UV_OFFLINE`.
    pub fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, Error> {
        let variables: BTreeMap<_, _> = variables.into_iter().collect();
        let set = |name: &str| variables.get(OsStr::new(name)).filter(|value| !value.is_empty());
        let named = set("MODELYARD_ENV_ROOT").map(PathBuf::from);
        let cache = || {
            let xdg = set("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            let folder = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
            let home = || set("HOME").map(|home| PathBuf::from(home).join(folder));
            xdg.or_else(home).map(|cache| cache.join("modelyard/environments"))
        };
        let root = named.or_else(cache).ok_or(Error::NoRoot)?;
        let root = std::path::absolute(&root).map_err(Error::io("reading", &root))?;
        let says_yes = |value: &OsString| {
            ["1", "true", "yes", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
        };
        let offline = set("UV_OFFLINE").is_some_and(says_yes);
        Ok(Self { root, python: None, offline, pass: Vec::new(), variables })
    }

    /// The value of a variable; empty ones count as not set.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(OsStr::new(name)).map(OsString::as_os_str);
        value.filter(|value| !value.is_empty())
    }

    /// What an installer sees, with what all of them are told.
    pub(crate) fn installer_variables(&self) -> BTreeMap<OsString, OsString> {
        let mut seen: BTreeMap<_, _> = self
            .variables
            .iter()
            .filter(|(name, _)| name.to_str().is_some_and(|name| self.may_be_seen(name)))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        // Nobody is there to answer; none of them asks for its own newer version.
        for (name, value) in [
            ("PIP_NO_INPUT", "1"),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
            ("CONDA_ALWAYS_YES", "true"),
            ("MAMBA_ALWAYS_YES", "true"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ] {
            seen.insert(name.into(), value.into());
        }
        if self.offline {
            for (name, value) in [
                ("PIP_NO_INDEX", "1"),
                ("UV_OFFLINE", "1"),
                ("CONDA_OFFLINE", "true"),
                ("MAMBA_OFFLINE", "true"),
            ] {
                seen.insert(name.into(), value.into());
            }
        }
        seen
    }

    /// What the interpreter of the operator sees when it is asked about itself: it installs nothing.
    pub(crate) fn local_variables(&self) -> BTreeMap<OsString, OsString> {
        let own = ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH"];
        let own = own.into_iter().filter_map(|name| {
            let value = self.variables.get(OsStr::new(name))?;
            Some((name.into(), value.clone()))
        });
        self.installer_variables().into_iter().chain(own).collect()
    }

    fn may_be_seen(&self, name: &str) -> bool {
        if self.pass.iter().any(|passed| passed == name) {
            return true;
        }
        let allowed = NAMES.contains(&name) || PREFIXES.iter().any(|p| name.starts_with(p));
        allowed && !REDIRECTING.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::read(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn environments_lie_where_the_operator_says_or_in_the_users_cache() {
        let root = |variables: &[(&str, &str)]| read(variables).unwrap().root;
        let named = [("MODELYARD_ENV_ROOT", "/e"), ("XDG_CACHE_HOME", "/c"), ("HOME", "/h")];
        assert_eq!(root(&named), PathBuf::from("/e"));
        assert_eq!(root(&named[1..]), PathBuf::from("/c/modelyard/environments"));
        let home = root(&[("XDG_CACHE_HOME", "not/absolute"), ("HOME", "/h")]);
        assert!(home.starts_with("/h") && home.ends_with("modelyard/environments"));
        assert!(matches!(read(&[("HOME", "")]), Err(Error::NoRoot)));
    }

    #[test]
    fn installers_see_their_settings_and_no_secrets() {
        let mut settings = read(&[
            ("HOME", "/h"),
            ("PATH", "/bin"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("MODELYARD_WEBHOOK_KEY", "s"),
            ("PYTHONPATH", "/p"),
            ("PIP_INDEX_URL", "https://i"),
            ("PIP_TARGET", "/t"),
            ("UV_FIND_LINKS", "/w"),
            ("UV_OFFLINE", "True"),
            ("SSL_CERT_FILE", "/c"),
            ("INDEX_TOKEN", "t"),
        ])
        .unwrap();
        settings.pass.push("INDEX_TOKEN".to_owned());
        let seen = settings.installer_variables();
        let value = |name: &str| seen.get(OsStr::new(name)).map(|v| v.to_str().unwrap());
        for (name, expected) in [
            ("PATH", "/bin"),
            ("PIP_INDEX_URL", "https://i"),
            ("UV_FIND_LINKS", "/w"),
            ("SSL_CERT_FILE", "/c"),
            ("INDEX_TOKEN", "t"),
            ("PIP_NO_INPUT", "1"),
            ("PIP_NO_INDEX", "1"),
            ("UV_OFFLINE", "1"),
        ] {
            assert_eq!(value(name), Some(expected), "{name}");
        }
        for name in ["AWS_SECRET_ACCESS_KEY", "MODELYARD_WEBHOOK_KEY", "PYTHONPATH", "PIP_TARGET"] {
            assert_eq!(value(name), None, "{name}");
        }
        assert!(!format!("{settings:?}").contains("SECRET"));
        assert_eq!(settings.local_variables()[OsStr::new("PYTHONPATH")], "/p");
    }
}
