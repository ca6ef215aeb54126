package run

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// This file tells whether two configs are the same run.

// free are the settings that change no bit of the parameters: where a run computes, how often it is watched and saved. A run may be
// resumed with others.
var free = []string{"eval.", "metrics.", "checkpoint.", "device."}

// identity is the settings that decide every bit of a run, as text by key.
func (c Config) identity() map[string]string { return c.settings(free...) }

// settings is every setting whose key begins with none of but, as text by key.
func (c Config) settings(but ...string) map[string]string {
	out := map[string]string{}
	flatten(out, "", reflect.ValueOf(c))
	maps.DeleteFunc(out, func(key, _ string) bool {
		return slices.ContainsFunc(but, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	})
	return out
}

func flatten(dst map[string]string, prefix string, v reflect.Value) {
	for i := range v.NumField() {
		key, f := prefix+tag(v.Type().Field(i)), v.Field(i)
		if f.Kind() == reflect.Pointer {
			if f.IsNil() {
				continue
			}
			f = f.Elem()
		}
		if f.Kind() == reflect.Struct {
			flatten(dst, key+".", f)
			continue
		}
		dst[key] = fmt.Sprint(f.Interface())
	}
}

// differences are the keys in which two identities differ, sorted, with both values.
func differences(was, is map[string]string) []string {
	keys := slices.Collect(maps.Keys(was))
	for key := range is {
		if _, ok := was[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var out []string
	for _, key := range keys {
		if was[key] != is[key] {
			out = append(out, fmt.Sprintf("%s was %s, is %s", key, orNone(was[key]), orNone(is[key])))
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "not set"
	}
	return s
}
