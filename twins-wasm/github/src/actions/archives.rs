//! A repository at a commit as one file: gzipped tar or zip, the same bytes for the same commit.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use pome_twin_kit::{Action, Cx, Reply};
use serde::Deserialize;
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Mode, Objects, Oid, Side};
use crate::state::Repo;
use crate::views::EncodedPath;

/// Where the file of a ref is; the vendor sends on to another host.
fn address(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, name: Option<String>, kind: &str) -> Result<Reply, Error> {
    let repo = cx.repo(owner, repo)?;
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| repo.default_branch.clone());
    cx.state.revision(repo, &name).ok_or_else(Error::not_found)?;
    // A branch or tag is spelled out, so that the address stays right when another ref takes the short name.
    let refs = [format!("refs/heads/{name}"), format!("refs/tags/{name}")];
    let full = refs.into_iter().find(|full| cx.state.ref_named(repo, full).is_some()).unwrap_or(name);
    let mut reply = Reply::new(302);
    let address = format!("{}/codeload/{}/{}/{kind}/{}", cx.origin, repo.owner, repo.name, EncodedPath(&full));
    reply.header("location", address);
    Ok(reply)
}

#[derive(Deserialize)]
pub(crate) struct Tar {
    owner: String,
    repo: String,
    #[serde(rename = "ref")]
    name: Option<String>,
}

impl Action<GitHub> for Tar {
    const NAME: &'static str = "download_tarball";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        address(cx, &self.owner, &self.repo, self.name, "legacy.tar.gz")
    }
}

#[derive(Deserialize)]
pub(crate) struct Zip {
    owner: String,
    repo: String,
    #[serde(rename = "ref")]
    name: Option<String>,
}

impl Action<GitHub> for Zip {
    const NAME: &'static str = "download_zipball";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        address(cx, &self.owner, &self.repo, self.name, "legacy.zip")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Format {
    #[serde(rename = "legacy.tar.gz", alias = "tar.gz")]
    Tar,
    #[serde(rename = "legacy.zip", alias = "zip")]
    Zip,
}

/// The file itself.
#[derive(Deserialize)]
pub(crate) struct Download {
    owner: String,
    repo: String,
    format: Format,
    #[serde(rename = "ref")]
    name: String,
}

impl Action<GitHub> for Download {
    const NAME: &'static str = "download_archive";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let commit = cx.state.revision(repo, &self.name).ok_or_else(Error::not_found)?;
        let archive = Archive::of(cx.objects(), repo, commit)?;
        let (extension, content_type, bytes) = match self.format {
            Format::Tar => ("tar.gz", "application/x-gzip", archive.tar().map_err(|error| error.to_string())),
            Format::Zip => ("zip", "application/zip", archive.zip().map_err(|error| error.to_string())),
        };
        let mut reply = Reply::new(200);
        // Both writers fill a vector; they fail only on names that their formats cannot hold.
        reply.body = bytes.map_err(|error| Error::unprocessable(format!("the archive cannot be written: {error}")))?;
        reply.header("content-type", content_type);
        reply.header("content-disposition", format!("attachment; filename={}.{extension}", archive.folder));
        Ok(reply)
    }
}

/// What goes into the file, everything below one folder.
struct Archive<'a> {
    objects: &'a Objects,
    commit: Oid,
    /// `owner-name-1234567`
    folder: String,
    entries: Vec<(String, Side)>,
    /// Seconds since 1970: when the commit was recorded.
    time: u64,
}

impl<'a> Archive<'a> {
    fn of(objects: &'a Objects, repo: &Repo, commit: Oid) -> Result<Self, Error> {
        let found = objects.commit(commit)?;
        let entries = objects.walk(found.tree)?;
        let time = u64::try_from(found.committer.seconds).unwrap_or_default();
        let folder = format!("{}-{}-{}", repo.owner, repo.name, commit.short(7));
        Ok(Self { objects, commit, folder, entries, time })
    }

    fn bytes(&self, side: Side) -> &[u8] {
        self.objects.blob(side.oid).map(AsRef::as_ref).unwrap_or_default()
    }

    fn header(&self, kind: EntryType, mode: u32, size: usize) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(self.time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(u64::try_from(size).unwrap_or_default());
        header
    }

    /// Like `git archive`: the commit's id in a comment, group-writable modes, owned by root.
    fn tar(&self) -> Result<Vec<u8>, std::io::Error> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        let comment = format!("52 comment={}\n", self.commit);
        let mut header = self.header(EntryType::XGlobalHeader, 0o666, comment.len());
        tar.append_data(&mut header, "pax_global_header", comment.as_bytes())?;
        let mut header = self.header(EntryType::Directory, 0o775, 0);
        tar.append_data(&mut header, format!("{}/", self.folder), &b""[..])?;
        for (path, side) in &self.entries {
            let path = format!("{}/{path}", self.folder);
            let bytes = self.bytes(*side);
            match side.mode {
                Mode::Tree | Mode::Submodule => {
                    let mut header = self.header(EntryType::Directory, 0o775, 0);
                    tar.append_data(&mut header, format!("{path}/"), &b""[..])?;
                }
                Mode::Link => {
                    let mut header = self.header(EntryType::Symlink, 0o777, 0);
                    tar.append_link(&mut header, path, String::from_utf8_lossy(bytes).as_ref())?;
                }
                Mode::File | Mode::Executable => {
                    let mode = if side.mode == Mode::Executable { 0o775 } else { 0o664 };
                    let mut header = self.header(EntryType::Regular, mode, bytes.len());
                    tar.append_data(&mut header, path, bytes)?;
                }
            }
        }
        tar.into_inner()?.finish()
    }

    fn zip(&self) -> Result<Vec<u8>, zip::result::ZipError> {
        let options = |mode| {
            SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(self.dos_time())
                .unix_permissions(mode)
        };
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.set_comment(self.commit.hex())?;
        zip.add_directory(format!("{}/", self.folder), options(0o755))?;
        for (path, side) in &self.entries {
            let path = format!("{}/{path}", self.folder);
            let bytes = self.bytes(*side);
            match side.mode {
                Mode::Tree | Mode::Submodule => zip.add_directory(format!("{path}/"), options(0o755))?,
                Mode::Link => zip.add_symlink(path, String::from_utf8_lossy(bytes), options(0o777))?,
                Mode::File | Mode::Executable => {
                    zip.start_file(path, options(if side.mode == Mode::Executable { 0o755 } else { 0o644 }))?;
                    zip.write_all(bytes)?;
                }
            }
        }
        Ok(zip.finish()?.into_inner())
    }

    /// The commit's time in the zone of the archive, UTC; zip knows none before 1980.
    fn dos_time(&self) -> DateTime {
        let text = pome_twin_kit::clock::Time(self.time.saturating_mul(1000)).to_seconds().to_string();
        let part = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u16>().ok());
        let small = |range| part(range).and_then(|number| u8::try_from(number).ok()).unwrap_or_default();
        let year = part(0..4).unwrap_or(1980);
        DateTime::from_date_and_time(year, small(5..7), small(8..10), small(11..13), small(14..16), small(17..19))
            .unwrap_or_default()
    }
}
