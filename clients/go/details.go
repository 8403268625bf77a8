package smsgate

import (
	"maps"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// domain is that of the reasons of the contract; those of others are not ours to explain.
const domain = "smsgate"

// decoded reads all details that are known; foreign and broken ones are left out.
func decoded(told *status.Status, cause error) *Error {
	made := &Error{Code: told.Code(), Message: told.Message(), cause: cause}
	for _, detail := range told.Details() {
		made.read(detail)
	}
	return made
}

func (e *Error) read(detail any) {
	switch detail := detail.(type) {
	case *errdetails.ErrorInfo:
		if detail.GetDomain() == domain {
			e.Reason = detail.GetReason()
			e.Metadata = maps.Clone(detail.GetMetadata())
		}
	case *errdetails.BadRequest:
		for _, wrong := range detail.GetFieldViolations() {
			e.add(wrong.GetField(), wrong.GetReason(), wrong.GetDescription())
		}
	case *errdetails.PreconditionFailure:
		for _, obstacle := range detail.GetViolations() {
			e.add(obstacle.GetSubject(), obstacle.GetType(), obstacle.GetDescription())
		}
	case *errdetails.QuotaFailure:
		for _, limit := range detail.GetViolations() {
			e.add(limit.GetSubject(), "", limit.GetDescription())
		}
	case *errdetails.RetryInfo:
		if delay := detail.GetRetryDelay(); delay.IsValid() {
			e.RetryAfter = delay.AsDuration()
		}
	}
}

func (e *Error) add(field, reason, description string) {
	e.Violations = append(e.Violations, Violation{field, reason, description})
}

// codeName is as the documentation of gRPC spells it, and every other language: INVALID_ARGUMENT.
func codeName(c codes.Code) string {
	if name, known := code.Code_name[int32(c)]; known {
		return name
	}
	return strings.ToUpper(c.String())
}
