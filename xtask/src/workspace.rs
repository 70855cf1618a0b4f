//! What cargo says of the workspace, and how cargo is called in it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::{Failure, Result, While};

/// The workspace that the current folder lies in.
pub(crate) struct Workspace {
    root: PathBuf,
    /// The target directory.
    pub(crate) target: PathBuf,
    /// Its packages that have features, by name.
    pub(crate) packages: Vec<Package>,
}

/// A package with its features, `default` left out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// Asks `cargo metadata`. Reads manifests only: no lock, no network.
    pub(crate) fn load() -> Result<Self> {
        let mut command = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let output = command.output().while_(|| "cannot run cargo metadata".to_owned())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::Because(format!("cargo metadata: {said}")));
        }
        let metadata = serde_json::from_slice(&output.stdout).while_(|| "cargo metadata".to_owned())?;
        Self::read(&metadata).ok_or_else(|| Failure::Because("cargo metadata lacks what is expected of it".to_owned()))
    }

    fn read(metadata: &Value) -> Option<Self> {
        let mut packages = Vec::new();
        for package in metadata["packages"].as_array()? {
            let features: Vec<String> =
                package["features"].as_object()?.keys().filter(|name| *name != "default").cloned().collect();
            if !features.is_empty() {
                packages.push(Package { name: package["name"].as_str()?.to_owned(), features });
            }
        }
        Some(Self {
            root: metadata["workspace_root"].as_str()?.into(),
            target: metadata["target_directory"].as_str()?.into(),
            packages,
        })
    }

    /// A call of cargo at the workspace's root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(arguments);
        command.current_dir(&self.root);
        command
    }

    /// Where it lies.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A command without what `cargo run` has set to say who we are. Build scripts that watch that would build anew under
    /// every caller.
    pub(crate) fn unmarked(command: &mut Command) -> &mut Command {
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// A call of another program at the workspace's root.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.current_dir(&self.root);
        command
    }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    Workspace::unmarked(&mut command);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_with_features_are_read() {
        let metadata = serde_json::json!({
            "workspace_root": "/w",
            "target_directory": "/t",
            "packages": [
                { "name": "plain", "features": {} },
                { "name": "only-default", "features": { "default": [] } },
                { "name": "desk", "features": { "default": ["sled"], "memory": [], "sled": [] } },
            ],
        });
        let workspace = Workspace::read(&metadata).expect("it is complete");
        let desk = Package { name: "desk".into(), features: vec!["memory".into(), "sled".into()] };
        assert_eq!(workspace.packages, [desk]);
        assert!(Workspace::read(&serde_json::json!({ "packages": [] })).is_none());
    }

    #[test]
    fn this_workspace_is_found() {
        let workspace = Workspace::load().expect("cargo metadata");
        assert!(workspace.root.join("xtask").is_dir());
    }
}
