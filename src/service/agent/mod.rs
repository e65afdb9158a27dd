//! A node: directories, environment, files in, a process group, files out.
