package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	smsgate "smsgate.internal/client"
	pb "smsgate.internal/stubs/smsgate/v1"
)

const prefix = "MESSAGE_STATUS_"

// followed is a stream that is followed in the background, and what came of it.
type followed struct {
	stop         context.CancelFunc
	opened       chan struct{}
	openedOnce   sync.Once
	ended        chan struct{}
	endsByItself bool

	// Guards what follows; changed has a token when an event came.
	lock    sync.Mutex
	changed chan struct{}
	events  []*pb.StatusEvent
	cursor  string
	err     error
}

// until is what must have come.
type until struct {
	Count    int      `json:"count"`
	Messages []string `json:"messages"`
	Status   string   `json:"status"`
}

func follow(
	ctx context.Context, client *smsgate.Client, request *pb.StreamStatusRequest,
	pause time.Duration,
) *followed {
	ctx, stop := context.WithCancel(ctx)
	made := &followed{
		stop:         stop,
		opened:       make(chan struct{}),
		ended:        make(chan struct{}),
		endsByItself: request.GetEndWhenAllTerminal(),
		changed:      make(chan struct{}, 1),
	}
	go made.run(ctx, client, request, pause)
	return made
}

func (f *followed) run(
	ctx context.Context, client *smsgate.Client, request *pb.StreamStatusRequest,
	pause time.Duration,
) {
	defer close(f.ended)
	steps := client.FollowWithCursor(ctx, request, smsgate.OnState(f.told))
	for step, err := range steps {
		f.note(step, err)
		if step.Event != nil {
			time.Sleep(pause)
		}
	}
}

func (f *followed) told(state smsgate.FollowState) {
	f.lock.Lock()
	if f.cursor == "" {
		f.cursor = state.Cursor
	}
	f.lock.Unlock()
	if state.Phase == smsgate.FollowOpen {
		f.openedOnce.Do(func() { close(f.opened) })
	}
}

func (f *followed) note(step smsgate.Followed, err error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if err != nil {
		f.err = err
		return
	}
	if step.Cursor != "" {
		f.cursor = step.Cursor
	}
	if step.Event != nil {
		f.events = append(f.events, step.Event)
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}
}

func (f *followed) untilOpen(ctx context.Context) {
	select {
	case <-f.opened:
	case <-f.ended:
	case <-ctx.Done():
	}
}

// until waits until those messages, or so many, have come to the status.
func (f *followed) until(ctx context.Context, wanted until) error {
	for !f.haveCome(wanted) {
		select {
		case <-f.changed:
		case <-f.ended:
			if f.haveCome(wanted) {
				return nil
			}
			return errors.Join(errors.New("the stream ended before"), f.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (f *followed) haveCome(wanted until) bool {
	f.lock.Lock()
	defer f.lock.Unlock()
	come := map[string]bool{}
	for _, event := range f.events {
		if event.GetToStatus().String() == wanted.Status {
			come[event.GetMessageId()] = true
		}
	}
	missing := func(id string) bool { return !come[id] }
	return len(come) >= wanted.Count && !slices.ContainsFunc(wanted.Messages, missing)
}

// end waits until it has ended by itself, or ends it: the error that it ended with.
func (f *followed) end(ctx context.Context) error {
	if !f.endsByItself {
		f.stop()
	}
	select {
	case <-f.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !f.endsByItself && errors.Is(f.err, context.Canceled) {
		return nil
	}
	return f.err
}

// history is what a step expects of the events.
type history struct {
	Once     bool     `json:"once"`
	Statuses []string `json:"statuses"`
	Last     string   `json:"last"`
	Messages *int     `json:"messages"`
}

func (f *followed) check(expected history) error {
	f.lock.Lock()
	defer f.lock.Unlock()
	byMessage := map[string][]*pb.StatusEvent{}
	for _, event := range f.events {
		byMessage[event.GetMessageId()] = append(byMessage[event.GetMessageId()], event)
	}
	if expected.Messages != nil && *expected.Messages != len(byMessage) {
		return fmt.Errorf("expected %d messages, got %d", *expected.Messages, len(byMessage))
	}
	for message, events := range byMessage {
		if wrong := expected.difference(events); wrong != "" {
			return fmt.Errorf("%s: %s: %v", message, wrong, statuses(events))
		}
	}
	return nil
}

func (h history) difference(events []*pb.StatusEvent) string {
	come := statuses(events)
	switch {
	case h.Once && twice(events):
		return "an event came twice"
	case h.Once && broken(events):
		return "an event is missing or out of order"
	case h.Statuses != nil && !slices.Equal(h.Statuses, come):
		return fmt.Sprintf("expected %v", h.Statuses)
	case h.Last != "" && h.Last != prefix+come[len(come)-1]:
		return "expected to end as " + h.Last
	}
	return ""
}

func statuses(events []*pb.StatusEvent) []string {
	names := make([]string, len(events))
	for index, event := range events {
		names[index] = smsgate.StatusName(event.GetToStatus())
	}
	return names
}

func twice(events []*pb.StatusEvent) bool {
	for index, event := range events {
		same := func(other *pb.StatusEvent) bool { return proto.Equal(event, other) }
		if slices.ContainsFunc(events[:index], same) {
			return true
		}
	}
	return false
}

func broken(events []*pb.StatusEvent) bool {
	for index := 1; index < len(events); index++ {
		if events[index].GetFromStatus() != events[index-1].GetToStatus() {
			return true
		}
	}
	return false
}
