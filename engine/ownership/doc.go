// Package ownership checks that no other user of the machine can change a folder or
// has access to a file. On Windows, where modes do not have that, it checks nothing.
package ownership
