package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"

	pb "smsgate.internal/stubs/smsgate/v1"
)

func (s *scenario) call(ctx context.Context, told fields) (any, error) {
	client, err := s.client(told.Caller)
	if err != nil {
		return nil, err
	}
	if told.Timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, seconds(told.Timeout))
		defer cancel()
		ctx = limited
	} else {
		// The scenario's own end must not take the place of the client's deadline.
		ctx = context.WithoutCancel(ctx)
	}
	answer, err := call(ctx, client, told.Method, told.Request)
	if told.Error != nil {
		return nil, as(told.Error, answer, err)
	}
	if err != nil {
		return nil, err
	}
	if wrong := difference(told.Expect, answer, ""); told.Expect != nil && wrong != "" {
		return nil, errors.New(wrong)
	}
	return answer, nil
}

// as is nil if the error is as a step says.
func as(said json.RawMessage, answer any, err error) error {
	var expected expectedError
	if problem := json.Unmarshal(said, &expected); problem != nil {
		return problem
	}
	if err == nil {
		return fmt.Errorf("expected %s, got %v", expected.Kind, answer)
	}
	return expected.check(err)
}

func (s *scenario) follow(ctx context.Context, told fields) error {
	client, err := s.client(told.Caller)
	if err != nil {
		return err
	}
	request := &pb.StreamStatusRequest{}
	if err := fromJSON(told.Request, request); err != nil {
		return err
	}
	stream := follow(context.WithoutCancel(ctx), client, request, seconds(told.Pause))
	s.streams[told.Name] = stream
	if told.Error == nil {
		stream.untilOpen(ctx)
	}
	return nil
}

func (s *scenario) followed(ctx context.Context, told fields) error {
	stream := s.streams[told.Name]
	if err := stream.until(ctx, told.Until); err != nil {
		return err
	}
	var expected history
	if err := convert(told.Expect, &expected); err != nil {
		return err
	}
	return stream.check(expected)
}

func (s *scenario) end(ctx context.Context, told fields) (any, error) {
	stream := s.streams[told.Name]
	stream.endsByItself = stream.endsByItself || told.Error != nil
	err := stream.end(ctx)
	if told.Error != nil {
		return nil, as(told.Error, "its end", err)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"events": float64(len(stream.events)), "cursor": stream.cursor}, nil
}

func (s *scenario) ask(ready map[string]any, told fields) (any, error) {
	question := maps.Clone(ready)
	for _, ours := range []string{"do", "what", "save"} {
		delete(question, ours)
	}
	question["ask"] = told.What
	return s.harness.ask(question)
}

func same(values []any) error {
	for _, value := range values {
		if !reflect.DeepEqual(value, values[0]) {
			return fmt.Errorf("not the same: %v", values)
		}
	}
	return nil
}

func different(values []any) error {
	seen := map[string]bool{}
	for _, value := range values {
		seen[fmt.Sprint(value)] = true
	}
	if len(seen) != len(values) {
		return fmt.Errorf("not different: %v", values)
	}
	return nil
}
