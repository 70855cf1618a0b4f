//! The Python bindings: built, installed into an environment of their own, and tried there.
//!
//! `test` calls it for its Python steps. The environment lies in the target directory and is kept between runs; what it holds
//! besides the bindings is pinned ([`PINNED`]). A full run also installs the bindings as others do.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result, While};
use crate::process::{Interrupts, run_quietly};
use crate::workspace::Workspace;

/// The folder of the bindings, in the workspace.
const FOLDER: &str = "bsm-python";

/// What the environment holds besides: what tries the bindings, and what tries the routes over HTTP.
const PINNED: [&str; 2] = ["bsm-python/requirements-test.txt", "bsm-http/schemathesis/requirements.txt"];

/// The oldest glibc that the wheel is for: that of Debian 10 and RHEL 8.
const MANYLINUX: &str = "manylinux_2_28";

/// The first answer of a desk, for an installation of which nothing else is known.
const FIRST_ANSWER: &str = "import bsm; print(bsm.open('memory:').bootstrap('Grace Hopper', 'grace@example.org').role)";

/// An environment of Python with the bindings and what tries them.
pub(crate) struct Environment {
    place: PathBuf,
    folder: PathBuf,
}

impl Environment {
    /// Makes the environment ready: what is pinned is installed anew if it is not what was installed last.
    pub(crate) fn ready(workspace: &Workspace, interrupts: &Interrupts) -> Result<Self> {
        let here = Self { place: workspace.target.join("xtask/python"), folder: workspace.root().join(FOLDER) };
        let pinned = PINNED.map(|path| workspace.root().join(path));
        let mut wanted = String::new();
        for path in &pinned {
            wanted += &fs::read_to_string(path).while_(|| format!("cannot read {}", path.display()))?;
        }
        let installed = here.place.join("pinned.txt");
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(here);
        }
        println!("installing what {} pin", PINNED.join(" and "));
        make(&here.place, interrupts)?;
        for path in &pinned {
            run_quietly(here.pip().arg("--requirement").arg(path), interrupts)?;
        }
        fs::write(&installed, wanted).while_(|| format!("cannot write {}", installed.display()))?;
        Ok(here)
    }

    /// Builds the bindings with the profile of the other tests, and installs them.
    pub(crate) fn install(&self, workspace: &Workspace, interrupts: &Interrupts) -> Result<()> {
        let wheel = self.wheel(workspace, "test", &["--profile", "dev"], interrupts)?;
        run_quietly(self.pip().args(["--force-reinstall", "--no-deps"]).arg(wheel), interrupts).map(drop)
    }

    /// A program of the environment, in the folder of the bindings, for which the environment is activated.
    pub(crate) fn program(&self, name: &str, arguments: &[&str]) -> Result<Command> {
        let bin = self.place.join("bin");
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = [bin.clone()].into_iter().chain(env::split_paths(&path));
        let mut command = Command::new(bin.join(name));
        command.args(arguments).current_dir(&self.folder);
        command.env("VIRTUAL_ENV", &self.place).env("PATH", env::join_paths(paths).while_(|| "PATH".to_owned())?);
        Workspace::unmarked(&mut command);
        Ok(command)
    }

    /// `pip install ./bsm-python` in an environment of its own, by whoever has Rust.
    pub(crate) fn install_from_source(&self, workspace: &Workspace, interrupts: &Interrupts) -> Result<()> {
        let place = fresh(workspace)?;
        make(place.path(), interrupts)?;
        run_quietly(pip(place.path()).arg(&self.folder), interrupts)?;
        answers(place.path(), interrupts)
    }

    /// The wheel for other machines, in an environment of its own, by whoever has no Rust.
    pub(crate) fn install_wheel(&self, workspace: &Workspace, interrupts: &Interrupts) -> Result<()> {
        let how = ["--release", "--zig", "--compatibility", MANYLINUX];
        let wheel = self.wheel(workspace, "wheel", &how, interrupts)?;
        println!("{}", wheel.display());
        let place = fresh(workspace)?;
        make(place.path(), interrupts)?;
        // Nothing is found by name but the environment's own programs.
        let mut command = pip(place.path());
        command.env("PATH", place.path().join("bin")).args(["--only-binary=:all:", "--no-index"]).arg(wheel);
        run_quietly(&mut command, interrupts)?;
        answers(place.path(), interrupts)
    }

    /// Builds a wheel into a folder that holds no other.
    fn wheel(&self, workspace: &Workspace, name: &str, how: &[&str], interrupts: &Interrupts) -> Result<PathBuf> {
        let place = workspace.target.join("xtask").join(format!("python-{name}"));
        if place.exists() {
            fs::remove_dir_all(&place).while_(|| format!("cannot empty {}", place.display()))?;
        }
        let mut maturin = self.program("maturin", &["build", "--quiet"])?;
        maturin.args(how).arg("--out").arg(&place).env("CARGO_TARGET_DIR", &workspace.target);
        run_quietly(&mut maturin, interrupts)?;
        let built = fs::read_dir(&place).while_(|| format!("cannot read {}", place.display()))?;
        let wheels = built.flatten().map(|entry| entry.path());
        let mut wheels = wheels.filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
        wheels.next().ok_or_else(|| Failure::Because("maturin built no wheel".to_owned()))
    }

    fn pip(&self) -> Command {
        pip(&self.place)
    }
}

/// A folder that is gone again with what it is for.
fn fresh(workspace: &Workspace) -> Result<tempfile::TempDir> {
    let place = workspace.target.join("xtask");
    tempfile::tempdir_in(&place).while_(|| format!("cannot make a folder in {}", place.display()))
}

/// Makes an environment, with nothing in it.
fn make(place: &Path, interrupts: &Interrupts) -> Result<()> {
    run_quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(place), interrupts).map(drop)
}

fn pip(environment: &Path) -> Command {
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install"]);
    Workspace::unmarked(&mut pip);
    pip
}

/// Whether a desk answers in an environment.
fn answers(environment: &Path, interrupts: &Interrupts) -> Result<()> {
    let said = run_quietly(Command::new(environment.join("bin/python")).args(["-c", FIRST_ANSWER]), interrupts)?;
    if said.trim() == "admin" { Ok(()) } else { Err(Failure::Because(format!("a desk answered {said:?}"))) }
}
