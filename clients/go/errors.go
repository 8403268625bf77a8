package smsgate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What a call can end with, other than its response. Each is for errors.Is; the *Error itself, with
// the reason and all that is wrong, is for errors.As.
//
//	ErrInvalidRequest      INVALID_ARGUMENT, OUT_OF_RANGE: correct the request; Violations says where
//	  ErrCursorExpired     the cursor is older than the log's retention; see EarliestCursor
//	ErrNotFound            nothing with this id that the account may know of
//	ErrConflict            ALREADY_EXISTS, ABORTED: the request_id or the id is used or in flight
//	ErrRefused             FAILED_PRECONDITION: the state, a policy or money stands in the way
//	ErrLimitExceeded       RESOURCE_EXHAUSTED: repeat after RetryAfter
//	ErrUnauthenticated     no API key, or a bad one
//	ErrPermissionDenied    the API key lacks a scope
//	ErrOutcomeUnknown      it may have been done or not: repeat with the same request_id
//	  ErrUnavailable       no connection, or the server cannot work now
//	  ErrDeadlineExceeded  no answer in time
//	  ErrCancelled         the call was ended on its way, or by its context
//	ErrServer              everything else: INTERNAL, UNKNOWN, DATA_LOSS, UNIMPLEMENTED
var (
	ErrInvalidRequest   = errors.New("invalid request")
	ErrCursorExpired    = errors.New("cursor expired")
	ErrNotFound         = errors.New("not found")
	ErrConflict         = errors.New("conflict")
	ErrRefused          = errors.New("refused")
	ErrLimitExceeded    = errors.New("limit exceeded")
	ErrUnauthenticated  = errors.New("unauthenticated")
	ErrPermissionDenied = errors.New("permission denied")
	ErrOutcomeUnknown   = errors.New("outcome unknown")
	ErrUnavailable      = errors.New("unavailable")
	ErrDeadlineExceeded = errors.New("deadline exceeded")
	ErrCancelled        = errors.New("cancelled")
	ErrServer           = errors.New("server error")
)

// ErrClosed is what every call on a closed client ends with. Nothing was sent.
var ErrClosed = errors.New("smsgate: the client is closed")

// Violation is one thing that is wrong. Field is its path, or what the rule is about.
type Violation struct {
	Field, Reason, Description string
}

// Error is a call that did not succeed: Code says how, Reason why, Message tells people.
type Error struct {
	Code codes.Code
	// Reason is a name of ErrorReason in the contract, such as RECIPIENT_NOT_E164; empty if the
	// error did not come from the server.
	Reason     string
	Message    string
	Violations []Violation
	Metadata   map[string]string
	// RetryAfter is when a repeat can succeed; 0 if the server did not say.
	RetryAfter time.Duration

	cause error
}

// Kind is the most precise of the errors above; ErrServer for what none of them fits.
func (e *Error) Kind() error {
	return e.kinds()[0]
}

// EarliestCursor is the oldest position that can still be started from, of an ErrCursorExpired.
func (e *Error) EarliestCursor() string {
	return e.Metadata["earliest_cursor"]
}

func (e *Error) Error() string {
	name := codeName(e.Code)
	if e.Reason != "" {
		name += " / " + e.Reason
	}
	if e.Message == "" {
		return name
	}
	return fmt.Sprintf("%s: %s", name, e.Message)
}

// Is makes errors.Is find the kind of the error, and its family.
func (e *Error) Is(target error) bool {
	return slices.Contains(e.kinds(), target)
}

// Unwrap is what ended the call on this side: context.Canceled, context.DeadlineExceeded, ErrClosed.
func (e *Error) Unwrap() error {
	return e.cause
}

// GRPCStatus makes status.Code and status.FromError work on the error.
func (e *Error) GRPCStatus() *status.Status {
	return status.New(e.Code, e.Message)
}

// FromStatus is the error that a google.rpc.Status inside a response stands for, such as that of a
// batch item or an estimate.
func FromStatus(told *spb.Status) *Error {
	return decoded(status.FromProto(told), nil)
}

var kindsByCode = map[codes.Code][]error{
	codes.InvalidArgument:    {ErrInvalidRequest},
	codes.OutOfRange:         {ErrInvalidRequest},
	codes.NotFound:           {ErrNotFound},
	codes.AlreadyExists:      {ErrConflict},
	codes.Aborted:            {ErrConflict},
	codes.FailedPrecondition: {ErrRefused},
	codes.ResourceExhausted:  {ErrLimitExceeded},
	codes.Unauthenticated:    {ErrUnauthenticated},
	codes.PermissionDenied:   {ErrPermissionDenied},
	codes.Unavailable:        {ErrUnavailable, ErrOutcomeUnknown},
	codes.DeadlineExceeded:   {ErrDeadlineExceeded, ErrOutcomeUnknown},
	codes.Canceled:           {ErrCancelled, ErrOutcomeUnknown},
}

// kinds goes from the most precise to the family.
func (e *Error) kinds() []error {
	if e.Reason == "CURSOR_EXPIRED" {
		return []error{ErrCursorExpired, ErrInvalidRequest}
	}
	if kinds, known := kindsByCode[e.Code]; known {
		return kinds
	}
	return []error{ErrServer}
}

// translated is the error of a call for its caller; nil stays nil.
func translated(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) || errors.Is(err, ErrClosed) {
		return err
	}
	return decoded(status.Convert(err), causeOf(ctx, status.Code(err)))
}

// A server that keeps the deadline, too, may tell of it just before our own clock does.
const deadlineSlack = 250 * time.Millisecond

// causeOf tells an end that this side wanted from a server that said the same.
func causeOf(ctx context.Context, code codes.Code) error {
	switch code {
	case codes.DeadlineExceeded:
		if deadline, given := ctx.Deadline(); given && time.Until(deadline) < deadlineSlack {
			return context.DeadlineExceeded
		}
	case codes.Canceled:
		if errors.Is(ctx.Err(), context.Canceled) {
			return context.Canceled
		}
	}
	return nil
}
