package ownership

import "io/fs"

// hasModes is set where the mode of a file has who may use it.
const hasModes = false

func ownerOf(fs.FileInfo) (user int, known bool) { return 0, false }
