package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	smsgate "smsgate.internal/client"
)

var kinds = map[string]error{
	"invalid_request":   smsgate.ErrInvalidRequest,
	"cursor_expired":    smsgate.ErrCursorExpired,
	"not_found":         smsgate.ErrNotFound,
	"conflict":          smsgate.ErrConflict,
	"refused":           smsgate.ErrRefused,
	"limit_exceeded":    smsgate.ErrLimitExceeded,
	"unauthenticated":   smsgate.ErrUnauthenticated,
	"permission_denied": smsgate.ErrPermissionDenied,
	"outcome_unknown":   smsgate.ErrOutcomeUnknown,
	"unavailable":       smsgate.ErrUnavailable,
	"deadline_exceeded": smsgate.ErrDeadlineExceeded,
	"cancelled":         smsgate.ErrCancelled,
	"server_error":      smsgate.ErrServer,
	"closed":            smsgate.ErrClosed,
}

// expectedError is what a step says of an error; only what is said is checked.
type expectedError struct {
	Kind       string              `json:"kind"`
	Reason     *string             `json:"reason"`
	Violations []smsgate.Violation `json:"violations"`
	Metadata   map[string]any      `json:"metadata"`
	RetryAfter bool                `json:"retryAfter"`
	Cursor     bool                `json:"cursor"`
}

// check is nil if the error is as expected.
func (e *expectedError) check(err error) error {
	kind, known := kinds[e.Kind]
	if !known {
		return fmt.Errorf("%q is no kind of error", e.Kind)
	}
	if !errors.Is(err, kind) {
		return fmt.Errorf("expected %s, got %v", e.Kind, err)
	}
	var failed *smsgate.Error
	if !errors.As(err, &failed) {
		return nil
	}
	if wrong := e.difference(failed); wrong != "" {
		return fmt.Errorf("%w: %s", err, wrong)
	}
	return nil
}

func (e *expectedError) difference(failed *smsgate.Error) string {
	switch {
	case e.Reason != nil && *e.Reason != failed.Reason:
		return fmt.Sprintf("expected the reason %s", *e.Reason)
	case e.Violations != nil && !sameViolations(e.Violations, failed.Violations):
		return fmt.Sprintf("expected the violations %v, got %v", e.Violations, failed.Violations)
	case e.RetryAfter && failed.RetryAfter <= 0:
		return "does not say when to come again"
	case e.Cursor && failed.EarliestCursor() == "":
		return "does not say the earliest cursor"
	}
	metadata := make(map[string]any, len(failed.Metadata))
	for key, value := range failed.Metadata {
		metadata[key] = value
	}
	if e.Metadata == nil {
		return ""
	}
	return difference(e.Metadata, metadata, "metadata")
}

func sameViolations(expected, got []smsgate.Violation) bool {
	return slices.Equal(comparable(expected), comparable(got))
}

// comparable leaves out the descriptions, which are for people, and the order.
func comparable(violations []smsgate.Violation) []smsgate.Violation {
	made := make([]smsgate.Violation, len(violations))
	for index, each := range violations {
		made[index] = smsgate.Violation{Field: each.Field, Reason: each.Reason}
	}
	slices.SortFunc(made, func(a, b smsgate.Violation) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Reason, b.Reason))
	})
	return made
}
