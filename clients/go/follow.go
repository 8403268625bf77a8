package smsgate

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/status"

	pb "smsgate.internal/stubs/smsgate/v1"
)

// FollowPhase is what has just become of a followed stream.
type FollowPhase int

const (
	FollowOpen FollowPhase = iota + 1
	FollowSnapshotComplete
	FollowHeartbeat
	FollowInterrupted
	FollowEnded
)

func (p FollowPhase) String() string {
	names := [...]string{"unknown", "open", "snapshot complete", "heartbeat", "interrupted", "ended"}
	if p < FollowOpen || p > FollowEnded {
		return names[0]
	}
	return names[p]
}

// FollowState is what OnState is told.
type FollowState struct {
	Phase FollowPhase
	// Cursor is the position reached; empty before the first response and during a snapshot.
	Cursor string
	// Err and RetryIn say why an interrupted stream broke, and when the next attempt is.
	Err     *Error
	RetryIn time.Duration
	// Lag is, of a heartbeat, how far the stream is behind the newest event.
	Lag time.Duration
}

// Followed is an event, a message of a snapshot, or neither: then it is only a bookmark.
//
// Whoever stores Cursor once the item is dealt with, and later starts from it, loses nothing. The
// events of one response share one position: all but its last have the cursor of the response
// before, so that after a start from it they come again together. A bookmark has the newest
// position when nothing matched; store it too, or the stored cursor may outlive the retention.
// During a snapshot it is empty.
type Followed struct {
	Cursor  string
	Event   *pb.StatusEvent
	Message *pb.Message
	// Coalesced is, of a stream with only the latest, how many events were left out before this.
	Coalesced uint32
}

// FollowOption says how to hold on to a stream.
type FollowOption func(*followOptions)

type followOptions struct {
	onState   func(FollowState)
	maxOutage time.Duration
}

// OnState is told of every opening, heartbeat, interruption and end, in the goroutine that follows.
func OnState(told func(FollowState)) FollowOption {
	return func(o *followOptions) { o.onState = told }
}

// MaxOutage gives up with the last error after being without a stream for so long. Else: never.
func MaxOutage(longest time.Duration) FollowOption {
	return func(o *followOptions) { o.maxOutage = longest }
}

// Follow gives every event from the start on, exactly once, across broken connections and restarts.
//
// It ends by itself only with EndWhenAllTerminal; else with its context, whose error is the last
// that comes, or with an error that waiting cannot mend. With Snapshot it is FollowWithCursor that
// has the messages.
func (c *Client) Follow(
	ctx context.Context, request *pb.StreamStatusRequest, options ...FollowOption,
) iter.Seq2[*pb.StatusEvent, error] {
	return func(yield func(*pb.StatusEvent, error) bool) {
		for step, err := range c.FollowWithCursor(ctx, request, options...) {
			if (err != nil || step.Event != nil) && !yield(step.Event, err) {
				return
			}
		}
	}
}

// FollowWithCursor is Follow with messages of a snapshot, bookmarks, and the cursors to store.
func (c *Client) FollowWithCursor(
	ctx context.Context, request *pb.StreamStatusRequest, options ...FollowOption,
) iter.Seq2[Followed, error] {
	var chosen followOptions
	for _, option := range options {
		option(&chosen)
	}
	return func(yield func(Followed, error) bool) {
		following := newFollowing(request, chosen, time.Now, rand.Float64)
		for !following.finished {
			delay, err, wanted := c.followOne(ctx, following, yield)
			if !wanted {
				return
			}
			if err == nil && !following.finished && !slept(ctx, delay) {
				err = translated(ctx, status.FromContextError(ctx.Err()).Err())
			}
			if err != nil {
				yield(Followed{}, err)
				return
			}
		}
	}
}

// errSilent is why the watchdog cancels a stream.
var errSilent = errors.New("silent for too long")

// followOne reads one stream to its end: the time to wait before the next, or the error that ends
// it all, and whether the consumer still wants to hear of either.
func (c *Client) followOne(
	ctx context.Context, following *following, yield func(Followed, error) bool,
) (time.Duration, error, bool) {
	streamContext, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// It runs while we wait for the server, not while the consumer takes its time.
	watchdog := time.AfterFunc(following.silenceLimit, func() { cancel(errSilent) })
	defer watchdog.Stop()
	stream, err := c.messages.StreamStatus(streamContext, following.request())
	for err == nil {
		var response *pb.StreamStatusResponse
		watchdog.Reset(following.silenceLimit)
		if response, err = stream.Recv(); err != nil {
			break
		}
		watchdog.Stop()
		for _, step := range following.received(response) {
			if !yield(step, nil) {
				return 0, nil, false
			}
		}
		following.settle(response)
		if following.finished {
			return 0, nil, true
		}
		if following.draining {
			err = io.EOF
		}
	}
	delay, err := c.afterBreak(streamContext, following, err)
	return delay, err, true
}

func (c *Client) afterBreak(
	ctx context.Context, following *following, err error,
) (time.Duration, error) {
	switch {
	case errors.Is(err, io.EOF):
		return following.ended()
	case errors.Is(context.Cause(ctx), errSilent):
		return following.silent()
	}
	return following.broken(err)
}
