package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// harness is the one outside, who can kill the server: spoken to in lines of JSON.
type harness struct {
	answers *bufio.Reader
	told    *json.Encoder
}

func newHarness(answers io.Reader, told io.Writer) *harness {
	return &harness{bufio.NewReader(answers), json.NewEncoder(told)}
}

func (h *harness) tell(line any) {
	if err := h.told.Encode(line); err != nil {
		panic(err) // Nobody is there to be told.
	}
}

func (h *harness) ask(question map[string]any) (map[string]any, error) {
	h.tell(question)
	line, err := h.answers.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the harness is gone: %w", err)
	}
	var answer map[string]any
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, err
	}
	if answer["ok"] != true {
		return nil, fmt.Errorf("%v", answer["why"])
	}
	return answer, nil
}
