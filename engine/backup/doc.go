// Package backup writes what an installation has in its data folder to one archive,
// and puts the content of such an archive in place of a data folder.
//
// An archive is a tar file, compressed with gzip. Its first entry is the manifest,
// which lists the others with their sizes and checksums.
package backup
