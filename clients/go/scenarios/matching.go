package main

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var reference = regexp.MustCompile(`\$\{([^}]+)\}`)

const anything = "*"

// filled is a value with every ${name.path} replaced.
func filled(value any, saved map[string]any) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		made := make(map[string]any, len(value))
		for key, inner := range value {
			replaced, err := filled(inner, saved)
			if err != nil {
				return nil, err
			}
			made[key] = replaced
		}
		return made, nil
	case []any:
		made := make([]any, len(value))
		for index, inner := range value {
			replaced, err := filled(inner, saved)
			if err != nil {
				return nil, err
			}
			made[index] = replaced
		}
		return made, nil
	case string:
		return filledText(value, saved)
	}
	return value, nil
}

func filledText(text string, saved map[string]any) (any, error) {
	if whole := reference.FindStringSubmatch(text); whole != nil && whole[0] == text {
		return found(whole[1], saved)
	}
	var failed error
	made := reference.ReplaceAllStringFunc(text, func(match string) string {
		value, err := found(reference.FindStringSubmatch(match)[1], saved)
		if err != nil {
			failed = err
		}
		return fmt.Sprint(value)
	})
	return made, failed
}

func found(path string, saved map[string]any) (any, error) {
	var at any = saved
	for name := range strings.SplitSeq(path, ".") {
		switch here := at.(type) {
		case map[string]any:
			at = here[name]
		case []any:
			index, err := strconv.Atoi(name)
			if err != nil || index < 0 || index >= len(here) {
				return nil, fmt.Errorf("nothing was saved as %s", path)
			}
			at = here[index]
		}
		if at == nil {
			return nil, fmt.Errorf("nothing was saved as %s", path)
		}
	}
	return at, nil
}

// difference is what got lacks of expected, for people; empty if nothing.
func difference(expected, got any, path string) string {
	if expected == nil || expected == anything {
		if present(got) == (expected != nil) {
			return ""
		}
		return fmt.Sprintf("%s: expected %v, got %v", path, expected, got)
	}
	switch expected := expected.(type) {
	case map[string]any:
		return differentObject(expected, got, path)
	case []any:
		return differentArray(expected, got, path)
	}
	if reflect.DeepEqual(expected, got) {
		return ""
	}
	return fmt.Sprintf("%s: expected %v, got %v", path, expected, got)
}

func differentObject(expected map[string]any, got any, path string) string {
	object, ok := got.(map[string]any)
	if !ok {
		return fmt.Sprintf("%s: expected an object, got %v", path, got)
	}
	for _, key := range slices.Sorted(maps.Keys(expected)) {
		if wrong := difference(expected[key], object[key], path+"."+key); wrong != "" {
			return wrong
		}
	}
	return ""
}

func differentArray(expected []any, got any, path string) string {
	array, ok := got.([]any)
	if !ok || len(array) != len(expected) {
		return fmt.Sprintf("%s: expected %d elements, got %v", path, len(expected), got)
	}
	for index := range expected {
		inner := fmt.Sprintf("%s.%d", path, index)
		if wrong := difference(expected[index], array[index], inner); wrong != "" {
			return wrong
		}
	}
	return ""
}

// present tells whether a value is there and not its default.
func present(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case []any:
		return len(value) > 0
	case map[string]any:
		return len(value) > 0
	}
	return !reflect.ValueOf(value).IsZero()
}
