package smsgate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

var allKinds = []error{
	ErrInvalidRequest, ErrCursorExpired, ErrNotFound, ErrConflict, ErrRefused, ErrLimitExceeded,
	ErrUnauthenticated, ErrPermissionDenied, ErrOutcomeUnknown, ErrUnavailable,
	ErrDeadlineExceeded, ErrCancelled, ErrServer,
}

func packed(t *testing.T, details ...proto.Message) []*anypb.Any {
	t.Helper()
	var made []*anypb.Any
	for _, detail := range details {
		any, err := anypb.New(detail)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, any)
	}
	return made
}

func TestEveryCodeHasItsKindAndFamily(t *testing.T) {
	cases := map[codes.Code][]error{
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
		codes.Internal:           {ErrServer},
		codes.Unknown:            {ErrServer},
		codes.DataLoss:           {ErrServer},
		codes.Unimplemented:      {ErrServer},
		codes.Code(99):           {ErrServer},
	}
	for code, kinds := range cases {
		err := translated(context.Background(), status.Error(code, "why"))
		for _, kind := range allKinds {
			if errors.Is(err, kind) != slices.Contains(kinds, kind) {
				t.Errorf("%v: errors.Is(%v)", code, kind)
			}
		}
		if status.Code(err) != code {
			t.Errorf("status.Code: %v, not %v", status.Code(err), code)
		}
	}
}

func TestAllDetailsAreReadable(t *testing.T) {
	failed := FromStatus(&spb.Status{
		Code: int32(codes.InvalidArgument), Message: "two things",
		Details: packed(t,
			&errdetails.ErrorInfo{
				Reason: "RECIPIENT_NOT_E164", Domain: domain, Metadata: map[string]string{"k": "v"},
			},
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
				{Field: "recipient", Reason: "RECIPIENT_NOT_E164", Description: "too short"},
			}},
			&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
				{Type: "FORBIDDEN_CONTENT", Subject: "text", Description: "a word"},
			}},
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{
				{Subject: "requests", Description: "2 a minute"},
			}},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		),
	})
	want := []Violation{
		{"recipient", "RECIPIENT_NOT_E164", "too short"},
		{"text", "FORBIDDEN_CONTENT", "a word"},
		{"requests", "", "2 a minute"},
	}
	if !slices.Equal(failed.Violations, want) {
		t.Error(failed.Violations)
	}
	if failed.Reason != "RECIPIENT_NOT_E164" || failed.Metadata["k"] != "v" ||
		failed.RetryAfter != 1500*time.Millisecond || failed.Message != "two things" {
		t.Errorf("%+v", failed)
	}
	if failed.Error() != "INVALID_ARGUMENT / RECIPIENT_NOT_E164: two things" {
		t.Error(failed)
	}
}

func TestAnExpiredCursorNamesTheEarliest(t *testing.T) {
	err := error(FromStatus(&spb.Status{Code: int32(codes.OutOfRange), Details: packed(t,
		&errdetails.ErrorInfo{
			Reason: "CURSOR_EXPIRED", Domain: domain,
			Metadata: map[string]string{"earliest_cursor": "c7"},
		})}))
	var failed *Error
	if !errors.As(fmt.Errorf("wrapped: %w", err), &failed) || failed.EarliestCursor() != "c7" {
		t.Fatal(failed)
	}
	if !errors.Is(err, ErrCursorExpired) || !errors.Is(err, ErrInvalidRequest) ||
		failed.Kind() != ErrCursorExpired {
		t.Fatal(failed.Kind())
	}
}

func TestForeignAndBrokenDetailsAreLeftOut(t *testing.T) {
	details := packed(t, &errdetails.ErrorInfo{Reason: "THEIRS", Domain: "another.example"})
	details = append(details,
		&anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.BadRequest", Value: []byte{0xff}},
		&anypb.Any{TypeUrl: "type.googleapis.com/no.such.Message"},
		&anypb.Any{},
	)
	details = append(details, packed(t, &errdetails.RetryInfo{
		RetryDelay: &durationpb.Duration{Seconds: 1 << 60},
	})...)
	failed := FromStatus(&spb.Status{Code: int32(codes.Internal), Details: details})
	if failed.Reason != "" || failed.Violations != nil || failed.RetryAfter != 0 {
		t.Fatalf("%+v", failed)
	}
}

func TestAnErrorThatIsNoneOfGRPCIsAServerError(t *testing.T) {
	err := translated(context.Background(), errors.New("something"))
	if !errors.Is(err, ErrServer) || err.Error() != "UNKNOWN: something" {
		t.Fatal(err)
	}
	if translated(context.Background(), nil) != nil {
		t.Fatal("nothing became an error")
	}
}

func TestAnEndThatTheCallerWantedIsItsContexts(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	fromServer := translated(context.Background(), status.Error(codes.Canceled, ""))
	if errors.Is(fromServer, context.Canceled) {
		t.Error("the caller cancelled nothing")
	}
	if own := translated(cancelled, status.Error(codes.Canceled, "")); !errors.Is(own, context.Canceled) {
		t.Error(own)
	}
	late, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	err := translated(late, status.Error(codes.DeadlineExceeded, ""))
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrOutcomeUnknown) {
		t.Error(err)
	}
}
