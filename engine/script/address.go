package script

import "fmt"

// addresses are those of one script, by path.
type addresses map[string]*Inbound

// add adds the addresses of a hook. It returns what contradicts an earlier hook.
func (a addresses) add(d detail) (problems []string) {
	for _, in := range d.inbound {
		if own, found := a[in.Path]; found && !own.equal(in) {
			problems = append(problems, fmt.Sprintf("two hooks on %q take requests differently; give both the same verify, id, methods and raw", "in:"+in.Path))
		}
		a[in.Path] = in
	}
	return problems
}
