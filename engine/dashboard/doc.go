// Package dashboard serves pages for people; today it is the page of an
// approval, on which a person answers a question that a run asked.
//
// Opening the page changes nothing, since link previews and mail scanners open
// it too. A button decides, once. The link is the
// permission: it is signed and expires, and there is no login besides.
//
// The package stores nothing, wakes no run and listens on no address: the
// journal does the first two, and the caller that mounts the Handler the last.
package dashboard
