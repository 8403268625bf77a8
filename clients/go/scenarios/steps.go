package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	smsgate "smsgate.internal/client"
)

const mostTime = 60 * time.Second

// step is one verb with its fields, as the file has it.
type step map[string]any

// caller is how to reach the server as somebody.
type caller struct {
	Target string `json:"target"`
	APIKey string `json:"apiKey"`
	TLSCA  string `json:"tlsCa"`
}

// scenario is its clients, what it saved, and the verbs of its steps.
type scenario struct {
	callers map[string]caller
	saved   map[string]any
	harness *harness
	streams map[string]*followed

	lock    sync.Mutex
	clients map[string]*smsgate.Client
}

func newScenario(told environment, run string, harness *harness) *scenario {
	saved := maps.Clone(told.Values)
	saved["run"] = run
	saved["tomorrow"] = time.Now().UTC().Add(24 * time.Hour).Format(time.RFC3339)
	return &scenario{
		callers: told.Callers, saved: saved, harness: harness,
		streams: map[string]*followed{}, clients: map[string]*smsgate.Client{},
	}
}

func (s *scenario) run(steps []step) error {
	ctx, cancel := context.WithTimeout(context.Background(), mostTime)
	defer s.close()
	defer cancel()
	for number, each := range steps {
		if err := s.step(ctx, each, s.saved); err != nil {
			return fmt.Errorf("step %d (%v): %w", number+1, each["do"], err)
		}
	}
	return nil
}

func (s *scenario) close() {
	for _, stream := range s.streams {
		stream.stop()
		<-stream.ended
	}
	for _, client := range s.clients {
		client.Close()
	}
}

func (s *scenario) client(name string) (*smsgate.Client, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if name == "" {
		name = "default"
	}
	if client, open := s.clients[name]; open {
		return client, nil
	}
	how, known := s.callers[name]
	if !known {
		return nil, fmt.Errorf("there is no caller %s", name)
	}
	// Plaintext is for this machine alone, where the harness is.
	client, err := smsgate.Open(how.Target, smsgate.WithAPIKey(how.APIKey), smsgate.WithCA(how.TLSCA))
	if err == nil {
		s.clients[name] = client
	}
	return client, err
}

// fields of all verbs but repeat.
type fields struct {
	Caller  string         `json:"caller"`
	Name    string         `json:"name"`
	Method  string         `json:"method"`
	What    string         `json:"what"`
	Request map[string]any `json:"request"`
	Timeout float64        `json:"timeout"`
	Pause   float64        `json:"pause"`
	Until   until          `json:"until"`
	Expect  any            `json:"expect"`
	Values  []any          `json:"values"`
	Save    string         `json:"save"`
	// An object, or for follow true.
	Error json.RawMessage `json:"error"`
}

func (s *scenario) step(ctx context.Context, each step, saved map[string]any) error {
	if each["do"] == "repeat" {
		return s.repeat(ctx, each, saved)
	}
	ready, err := filled(map[string]any(each), saved)
	if err != nil {
		return err
	}
	var told fields
	if err := convert(ready, &told); err != nil {
		return err
	}
	answer, err := s.verb(ctx, ready.(map[string]any), told)
	if err == nil && told.Save != "" {
		saved[told.Save] = answer
	}
	return err
}

func (s *scenario) verb(ctx context.Context, ready map[string]any, told fields) (any, error) {
	switch ready["do"] {
	case "call":
		return s.call(ctx, told)
	case "follow":
		return nil, s.follow(ctx, told)
	case "followed":
		return nil, s.followed(ctx, told)
	case "end":
		return s.end(ctx, told)
	case "ask":
		return s.ask(ready, told)
	case "same":
		return nil, same(told.Values)
	case "different":
		return nil, different(told.Values)
	case "close":
		client, err := s.client(told.Caller)
		if err != nil {
			return nil, err
		}
		return nil, client.Close()
	}
	return nil, fmt.Errorf("there is no verb %v", ready["do"])
}

func (s *scenario) repeat(ctx context.Context, each step, saved map[string]any) error {
	var told struct {
		Times    int    `json:"times"`
		Parallel bool   `json:"parallel"`
		Steps    []step `json:"steps"`
	}
	if err := convert(each, &told); err != nil {
		return err
	}
	if told.Parallel {
		return s.atOnce(ctx, told.Steps, told.Times, saved)
	}
	for number := range told.Times {
		saved["n"] = fmt.Sprintf("%02d", number)
		if err := s.all(ctx, told.Steps, saved); err != nil {
			return err
		}
	}
	delete(saved, "n")
	return nil
}

func (s *scenario) atOnce(
	ctx context.Context, steps []step, times int, saved map[string]any,
) error {
	failures := make([]error, times)
	var tasks sync.WaitGroup
	for number := range times {
		here := maps.Clone(saved)
		here["n"] = fmt.Sprintf("%02d", number)
		tasks.Add(1)
		go func() {
			defer tasks.Done()
			failures[number] = s.all(ctx, steps, here)
		}()
	}
	tasks.Wait()
	return errors.Join(failures...)
}

func (s *scenario) all(ctx context.Context, steps []step, saved map[string]any) error {
	for _, inner := range steps {
		if err := s.step(ctx, inner, saved); err != nil {
			return err
		}
	}
	return nil
}

func convert(value, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func seconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Second))
}
