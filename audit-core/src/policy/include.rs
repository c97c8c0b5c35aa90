//! Which files a policy includes: paths, and patterns of them.

use std::io;

/// Where the files of a policy and the variables in them come from. The model itself looks at no disk and no
/// environment: [`Disk`] does, for programs that want that.
pub trait Loader {
    /// What a file holds, or its first `limit` bytes if it is longer.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    fn read(&self, file: &str, limit: u64) -> io::Result<Vec<u8>>;

    /// The names of what is in a folder, in any order; a folder's ends with `/`. `""` is the folder in which the
    /// program runs.
    ///
    /// # Errors
    /// If there is no such folder, or it cannot be read.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// The value of a variable, if it is set.
    fn variable(&self, name: &str) -> Option<String>;
}

/// The files of this machine, with variables from wherever a function finds them.
///
/// # Examples
///
/// ```no_run
/// use audit_core::policy::{Disk, Policy};
///
/// let policy = Policy::load("audit.yml", &Disk::new(|name| std::env::var(name).ok()))?;
/// # Ok::<(), audit_core::PolicyErrors>(())
/// ```
pub struct Disk<V> {
    variable: V,
}

impl<V: Fn(&str) -> Option<String>> Disk<V> {
    /// `variable` gives the value of a variable.
    pub fn new(variable: V) -> Self {
        Disk { variable }
    }
}

impl<V: Fn(&str) -> Option<String>> Loader for Disk<V> {
    fn read(&self, file: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(file)?;
        io::Read::read_to_end(&mut io::Read::take(file, limit), &mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let folder = if folder.is_empty() { "." } else { folder };
        std::fs::read_dir(folder)?
            .map(|entry| {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let end = if path.is_dir() { "/" } else { "" };
                Ok(format!("{name}{end}"))
            })
            .collect()
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name)
    }
}

/// The folder of a file; empty if it has none, and with its `/` otherwise.
pub(super) fn folder(file: &str) -> &str {
    file.rfind('/').map_or("", |end| &file[..=end])
}

/// A path as seen from a folder, without detours.
pub(super) fn resolved(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{folder}{path}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // There is nothing above the root.
            ".." if whole.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let root = if whole.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// Whether a path without detours lies in a folder or below it.
pub(super) fn is_below(folder: &str, path: &str) -> bool {
    let folder = resolved("", folder);
    match path.strip_prefix(folder.as_str()) {
        Some(rest) if folder.is_empty() => !path.starts_with('/') && !is_above(rest),
        Some(rest) => folder == "/" || (rest.starts_with('/') && !is_above(&rest[1..])),
        None => false,
    }
}

fn is_above(path: &str) -> bool {
    path == ".." || path.starts_with("../")
}

/// Whether a path stands for all files whose names look like it.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// The files that a pattern stands for, sorted. A name that begins with a dot has to be written out.
pub(super) fn matching(loader: &dyn Loader, pattern: &str) -> Vec<String> {
    let mut found = vec![if pattern.starts_with('/') { "/" } else { "" }.to_owned()];
    let mut parts = pattern
        .split('/')
        .filter(|part| !part.is_empty())
        .peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let mut next = Vec::new();
        for folder in &found {
            if !is_pattern(part) {
                let end = if is_last { "" } else { "/" };
                next.push(format!("{folder}{part}{end}"));
                continue;
            }
            // A folder that is not there has nothing in it.
            for name in loader.list(folder).unwrap_or_default() {
                let is_folder = name.ends_with('/');
                let plain = name.trim_end_matches('/');
                let is_hidden = plain.starts_with('.') && !part.starts_with('.');
                if is_folder != is_last && !is_hidden && looks_like(plain, part) {
                    next.push(format!("{folder}{name}"));
                }
            }
        }
        found = next;
    }
    found.sort();
    found
}

/// Whether a name looks like a pattern: `*` stands for any characters, `?` for one.
fn looks_like(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut place) = (0, 0);
    // Where to go on if what follows the last `*` does not fit: `*` then stands for one character more.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        if place < pattern.len() && pattern[place] == '*' {
            star = Some((at, place));
            place += 1;
        } else if place < pattern.len() && (pattern[place] == '?' || pattern[place] == name[at]) {
            at += 1;
            place += 1;
        } else if let Some((from, stood)) = star {
            star = Some((from + 1, stood));
            at = from + 1;
            place = stood + 1;
        } else {
            return false;
        }
    }
    pattern[place..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_file_that_names_them() {
        assert_eq!(folder("conf/audit.yml"), "conf/");
        assert_eq!(folder("audit.yml"), "");
        assert_eq!(resolved("conf/", "tables/./a.yml"), "conf/tables/a.yml");
        assert_eq!(resolved("conf/", "../../x.yml"), "../x.yml");
        assert_eq!(resolved("/etc/audit/", "../../../x.yml"), "/x.yml");
        assert_eq!(resolved("conf/", "/x.yml"), "/x.yml");
    }

    #[test]
    fn what_lies_below_a_folder_is_told_from_what_does_not() {
        for (folder, path) in [
            ("", "a.yml"),
            ("", "t/a.yml"),
            ("conf/", "conf/a.yml"),
            ("/", "/a.yml"),
            ("../c/", "../c/a.yml"),
            ("./", "a.yml"),
        ] {
            assert!(is_below(folder, path), "{folder} {path}");
        }
        for (folder, path) in [
            ("", "../a.yml"),
            ("", "/a.yml"),
            ("conf/", "config/a.yml"),
            ("conf/", "a.yml"),
            ("../", "../../a.yml"),
        ] {
            assert!(!is_below(folder, path), "{folder} {path}");
        }
    }

    #[test]
    fn a_pattern_is_matched_without_trying_everything() {
        assert!(looks_like("flights.yml", "*.yml"));
        assert!(looks_like("flights.yml", "f?ights*"));
        assert!(!looks_like("flights.yaml", "*.yml"));
        assert!(!looks_like(
            &"a".repeat(5_000),
            &format!("{}b", "a*".repeat(100))
        ));
    }
}
