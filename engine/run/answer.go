package run

import (
	"context"
	"errors"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// answers are the senders that wait for the answer of a run, by their event.
type answers struct {
	mu      sync.Mutex
	waiting map[string][]chan journal.Answer
}

// AwaitAnswer returns a channel that gets the answer to the request of an event
// once it is stored: one of status 500 if the run failed before, and one without
// status if the run ended or was parked without an answer. cancel ends the wait.
func (r *Runner) AwaitAnswer(event string) (answer <-chan journal.Answer, cancel func()) {
	c := make(chan journal.Answer, 1)
	r.answers.mu.Lock()
	defer r.answers.mu.Unlock()
	if r.answers.waiting == nil {
		r.answers.waiting = map[string][]chan journal.Answer{}
	}
	r.answers.waiting[event] = append(r.answers.waiting[event], c)
	return c, func() { r.answers.remove(event, c) }
}

func (a *answers) remove(event string, c chan journal.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var left []chan journal.Answer
	for _, one := range a.waiting[event] {
		if one != c {
			left = append(left, one)
		}
	}
	if left == nil {
		delete(a.waiting, event)
		return
	}
	a.waiting[event] = left
}

// send sends an answer to all that wait for it. A later one has no effect.
func (a *answers) send(event string, answer journal.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.waiting[event] {
		c <- answer
	}
	delete(a.waiting, event)
}

// StoredAnswer returns the answer that a hook's run stored for an event; its status
// is zero if there is none. pending is set if the run may still answer.
func (r *Runner) StoredAnswer(ctx context.Context, event string, by script.Responder) (answer journal.Answer, pending bool, err error) {
	_, runs, err := r.config.Store.Event(ctx, event)
	if err != nil {
		return answer, false, err
	}
	for _, run := range runs {
		if run.Script != by.Script || run.Hook != by.Hook {
			continue
		}
		run, steps, err := r.config.Store.Run(ctx, run.ID)
		if err != nil {
			return answer, false, err
		}
		for _, step := range steps {
			if step.Name == journal.StepRespond && step.State == journal.Done {
				answer, err = journal.ReadAnswer(step.Args)
				return answer, false, err
			}
		}
		pending = pending || run.State == journal.Queued || run.State == journal.Running
	}
	return answer, pending, nil
}

// respond checks the answer to the request of the run's event. It is sent once the
// step is recorded.
func (h *host) respond(s vm.Step) (result, error) {
	if !h.responds {
		return result{}, invalid(s, "only a hook with respond = true answers its sender")
	}
	answered := h.answered
	for _, record := range h.records {
		answered = answered || record.Name == journal.StepRespond && record.State == journal.Done
	}
	if answered {
		return result{}, invalid(s, "the sender was answered before; one run answers once")
	}
	answer, err := journal.ReadAnswer(s.Args)
	if err != nil {
		return result{}, invalid(s, err.Error())
	}
	h.answer = answer
	return value(true)
}

// sendRecorded sends the answer of a step that is recorded.
func (h *host) sendRecorded(step journal.Step) {
	if step.Error == nil {
		h.answered = true
		h.runner.answers.send(h.event.ID, h.answer)
	}
}

// sendAnswer sends the answer of a run whose activation ended, if it answers its
// sender and did not before.
func (h *host) sendAnswer(end ending) {
	switch {
	case !h.responds:
	case end.finish != nil && end.finish.State == journal.Failed:
		h.runner.answers.send(h.event.ID, journal.Answer{Status: 500})
	case end.finish != nil, end.park != nil, errors.Is(end.release, errParked):
		h.runner.answers.send(h.event.ID, journal.Answer{})
	}
}
