package smsgate

import (
	"errors"
	"math"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "smsgate.internal/stubs/smsgate/v1"
)

// A stream that outlives its connections: where it stands and what comes next, without any I/O.
// Client.FollowWithCursor only moves responses into it and waits as long as it says.
//
//   - Every event after the start comes exactly once and in order, however often the connection or
//     the server goes away, as long as the log's retention covers the outage.
//   - It goes on from the cursor of the last response that was received whole. The first response,
//     Opened, has the cursor of the start, so a break before the first event loses nothing either.
//   - A snapshot has no cursors: one that is interrupted starts again. A message that was yielded
//     before is yielded again only if its status or reason is another by then.

const (
	defaultHeartbeat = 15 * time.Second
	// A connection that is silent for this many intervals is dead.
	silentIntervals = 3
	firstBackoff    = 100 * time.Millisecond
	maxBackoff      = 3 * time.Second
	// Errors without a reason of ours come from something between the client and the server, and
	// pass. If they do not pass they are meant.
	maxForeignErrors = 5
)

type following struct {
	first       *pb.StreamStatusRequest
	onState     func(FollowState)
	maxOutage   time.Duration
	now         func() time.Time
	backoff     waits
	foreign     int
	outageBegan time.Time
	snapshot    *snapshot

	silenceLimit time.Duration
	position     string
	// The server said that there is nothing more to come.
	finished bool
	// The server said that it goes away: leave this stream and open another.
	draining bool
}

func newFollowing(
	request *pb.StreamStatusRequest, options followOptions, now func() time.Time,
	jitter func() float64,
) *following {
	made := &following{
		first:       proto.CloneOf(request),
		onState:     options.onState,
		maxOutage:   options.maxOutage,
		now:         now,
		backoff:     waits{jitter: jitter},
		outageBegan: now(),
	}
	if request.GetSnapshot() {
		made.snapshot = &snapshot{yielded: map[string]state{}}
	}
	interval := defaultHeartbeat
	if told := request.GetHeartbeatInterval(); told.AsDuration() > 0 {
		interval = told.AsDuration()
	}
	made.silenceLimit = silentIntervals * interval
	return made
}

// request is what to open the stream with: as the caller wanted it, or from where it broke off.
func (f *following) request() *pb.StreamStatusRequest {
	f.draining = false
	request := proto.CloneOf(f.first)
	if f.position != "" {
		request.Snapshot = false
		request.Start = &pb.StreamStatusRequest_Cursor{Cursor: f.position}
	}
	return request
}

// received takes a response, and gives what to yield for it; settle it after the last of them.
func (f *following) received(response *pb.StreamStatusResponse) []Followed {
	f.outageBegan = time.Time{}
	if response.GetOpened() == nil {
		// Opened alone does not count: a server that opens and dies must not be hammered.
		f.backoff.attempts, f.foreign = 0, 0
	}
	before := f.position
	if response.GetSnapshotEnd() != nil {
		f.snapshot = nil
	}
	if response.GetCursor() != "" && f.snapshot == nil {
		f.position = response.GetCursor()
	}
	return f.items(response, before)
}

func (f *following) items(response *pb.StreamStatusResponse, before string) []Followed {
	var items []Followed
	for _, message := range response.GetSnapshot() {
		if f.snapshot == nil || f.snapshot.isNew(message) {
			items = append(items, Followed{Message: message})
		}
	}
	events := response.GetEvents()
	for index, event := range events {
		item := Followed{Cursor: before, Event: event}
		if index == 0 {
			item.Coalesced = response.GetCoalesced()
		}
		if index == len(events)-1 {
			item.Cursor = f.position
		}
		items = append(items, item)
	}
	if len(events) == 0 && f.position != before {
		items = append(items, Followed{Cursor: f.position})
	}
	return items
}

// settle tells what a response said of the stream itself, once all of it was yielded.
func (f *following) settle(response *pb.StreamStatusResponse) {
	switch control := response.GetControl().(type) {
	case *pb.StreamStatusResponse_Opened_:
		f.tell(FollowState{Phase: FollowOpen})
	case *pb.StreamStatusResponse_SnapshotEnd_:
		f.tell(FollowState{Phase: FollowSnapshotComplete})
	case *pb.StreamStatusResponse_Heartbeat_:
		lag := control.Heartbeat.GetLag().AsDuration()
		f.tell(FollowState{Phase: FollowHeartbeat, Lag: lag})
	case *pb.StreamStatusResponse_End_:
		f.finished = control.End.GetReason() == pb.StreamStatusResponse_End_REASON_ALL_TERMINAL
		f.draining = !f.finished
		if f.finished {
			f.tell(FollowState{Phase: FollowEnded})
		}
	}
}

// ended is for a stream that ended with OK, yet not for good.
func (f *following) ended() (time.Duration, error) {
	reason := ""
	if f.draining {
		reason = "SERVER_DRAINING"
	}
	return f.broken(&Error{
		Code: codes.Unavailable, Reason: reason, Message: "the server ended the stream",
	})
}

// silent is for a stream that was silent too long.
func (f *following) silent() (time.Duration, error) {
	return f.broken(&Error{
		Code: codes.Unavailable, Reason: "HEARTBEAT_MISSED",
		Message: "no word from the server for " + f.silenceLimit.String(),
	})
}

// broken tells how long to wait before the next stream, or the error if that would not help.
func (f *following) broken(err error) (time.Duration, error) {
	var failed *Error
	if !errors.As(err, &failed) || !f.canMend(failed) {
		return 0, err
	}
	now := f.now()
	if f.outageBegan.IsZero() {
		f.outageBegan = now
	}
	if f.maxOutage > 0 && now.Sub(f.outageBegan) >= f.maxOutage {
		return 0, err
	}
	if f.snapshot != nil {
		f.snapshot.interrupted = true
	}
	delay := max(f.backoff.next(), min(failed.RetryAfter, maxBackoff))
	f.tell(FollowState{Phase: FollowInterrupted, Err: failed, RetryIn: delay})
	return delay, nil
}

func (f *following) canMend(failed *Error) bool {
	switch {
	case failed.cause != nil:
		// Its own context, or Close, ended it.
		return false
	case failed.Code == codes.Unavailable || failed.Reason == "SLOW_CONSUMER":
		return true
	case failed.Kind() == ErrLimitExceeded && failed.Reason != "":
		// After a break the server may still count the stream that broke.
		return f.position != ""
	case failed.Reason == "" && passes(failed.Kind()):
		f.foreign++
		return f.foreign <= maxForeignErrors
	}
	return false
}

func passes(kind error) bool {
	return kind == ErrCancelled || kind == ErrDeadlineExceeded || kind == ErrServer
}

func (f *following) tell(state FollowState) {
	if f.onState != nil {
		state.Cursor = f.position
		f.onState(state)
	}
}

// waits are exponential, with full jitter: clients that were cut off together come back spread out.
type waits struct {
	jitter   func() float64
	attempts int
}

func (w *waits) next() time.Duration {
	ceiling := min(float64(maxBackoff), float64(firstBackoff)*math.Pow(2, float64(w.attempts)))
	w.attempts++
	return time.Duration(ceiling * w.jitter())
}

type state struct {
	status pb.MessageStatus
	reason pb.StatusReason
}

// snapshot is the messages yielded so far, so that one that starts again yields only what is new.
type snapshot struct {
	yielded     map[string]state
	interrupted bool
}

func (s *snapshot) isNew(message *pb.Message) bool {
	now := state{message.GetStatus(), message.GetReason()}
	before, known := s.yielded[message.GetId()]
	s.yielded[message.GetId()] = now
	return !(s.interrupted && known && before == now)
}
