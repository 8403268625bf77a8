// Scenarios runs clients/scenarios with the client for Go; see the page there.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"time"
)

type file struct {
	Scenarios []struct {
		Name  string `json:"name"`
		Steps []step `json:"steps"`
	} `json:"scenarios"`
}

type environment struct {
	Callers map[string]caller `json:"callers"`
	Values  map[string]any    `json:"values"`
}

type result struct {
	Scenario string  `json:"scenario"`
	OK       bool    `json:"ok"`
	Seconds  float64 `json:"seconds"`
	Why      string  `json:"why,omitempty"`
}

type summary struct {
	Finished int `json:"finished"`
	Failed   int `json:"failed"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: scenarios scenarios.json environment.json [name ...]")
		os.Exit(2)
	}
	failed, err := runAll(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func runAll(scenarios, environmentPath string, names []string) (int, error) {
	var wanted file
	var told environment
	if err := read(scenarios, &wanted); err != nil {
		return 0, err
	}
	if err := read(environmentPath, &told); err != nil {
		return 0, err
	}
	harness := newHarness(os.Stdin, os.Stdout)
	var end summary
	for _, each := range wanted.Scenarios {
		if len(names) > 0 && !slices.Contains(names, each.Name) {
			continue
		}
		began := time.Now()
		err := newScenario(told, newRun(), harness).run(each.Steps)
		seconds := math.Round(time.Since(began).Seconds()*100) / 100
		ended := result{Scenario: each.Name, OK: err == nil, Seconds: seconds}
		end.Finished++
		if err != nil {
			ended.Why = err.Error()
			end.Failed++
		}
		harness.tell(ended)
	}
	harness.tell(end)
	return end.Failed, nil
}

func newRun() string {
	var bytes [4]byte
	rand.Read(bytes[:])
	return hex.EncodeToString(bytes[:])
}

func read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
