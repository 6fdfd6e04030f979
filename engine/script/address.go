package script

import "fmt"

// scriptAddresses are the addresses of one script, by path.
type scriptAddresses map[string]struct {
	inbound   *Inbound
	responder string // the position of the hook that answers; empty: none does
}

// add adds the addresses of a hook. It returns what contradicts an earlier hook.
func (a scriptAddresses) add(d detail) (problems []string) {
	for _, in := range d.inbound {
		own, found := a[in.Path]
		if found && !own.inbound.equal(in) {
			problems = append(problems, fmt.Sprintf("two hooks on %q take requests differently; give both the same verify, id, methods and raw", "in:"+in.Path))
		}
		if d.within > 0 {
			if own.responder != "" {
				problems = append(problems, secondResponder(in.Path, own.responder))
			}
			own.responder = d.position
		}
		own.inbound = in
		a[in.Path] = own
	}
	return problems
}

func secondResponder(path, first string) string {
	return fmt.Sprintf("a second hook answers the senders of %q; the first is at %s: give only one of them respond = true", "in:"+path, first)
}
