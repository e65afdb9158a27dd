//! Where on the disk new directories lie.

use std::path::Path;

#[cfg(target_os = "linux")]
use rustix::fs::{IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags, open};

/// Asks for the directories in this one to be spread over the disk, and does not mind being refused. ext4 takes no
/// inode that was deleted in the last minutes, and looks at each of them first: near where thousands of small files
/// went, making the next takes milliseconds.
#[cfg(target_os = "linux")]
pub(super) fn spread(directory: &Path) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if let Ok(opened) = open(directory, flags, Mode::empty())
        && let Ok(flags) = ioctl_getflags(&opened)
    {
        let _ = ioctl_setflags(&opened, flags | IFlags::TOPDIR);
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn spread(_: &Path) {}
