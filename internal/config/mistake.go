package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// FlagMistake rewords an error of pflag about these flags, without values that may be
// secrets: with one dash too few, -api-key=secret, pflag quotes the secret.
func FlagMistake(flags *pflag.FlagSet, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if unknown.GetSpecifiedShortnames() != "" {
			return unknownLetter(flags, unknown.GetSpecifiedName())
		}
		return unknownFlag(flags, unknown.GetSpecifiedName())
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag := invalid.GetFlag() // not of a secret: any text is a valid secret
		return mistake("--"+flag.Name, invalid.GetValue(), flag, invalid.Unwrap())
	}
	if lacking, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("--%s needs a value: %s", lacking.GetFlag().Name, lacking.GetFlag().Usage)
	}
	return errors.New("unknown flag: want settings as --name=value")
}

// unknownFlag returns an error that names the flags with a similar name.
func unknownFlag(flags *pflag.FlagSet, name string) error {
	similar := names(flags, func(f string) bool { return strings.HasPrefix(f, name) || distance(f, name) <= 2 })
	if similar == "" {
		return fmt.Errorf("unknown flag --%s", name)
	}
	return fmt.Errorf("unknown flag --%s: did you mean %s?", name, similar)
}

// unknownLetter returns an error that names the flags with the letter as their first. Our
// flags have no short forms.
func unknownLetter(flags *pflag.FlagSet, letter string) error {
	similar := names(flags, func(f string) bool { return strings.HasPrefix(f, letter) })
	if similar == "" {
		return fmt.Errorf("unknown flag -%s: want settings as --name=value", letter)
	}
	return fmt.Errorf("unknown flag -%s: did you mean %s?", letter, similar)
}

// names returns the flags whose names match, with dashes and "or".
func names(flags *pflag.FlagSet, match func(name string) bool) string {
	var list []string
	flags.VisitAll(func(f *pflag.Flag) {
		if match(f.Name) {
			list = append(list, "--"+f.Name)
		}
	})
	return strings.Join(list, " or ")
}

// distance returns the number of letters to insert, delete or replace in a to get b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // the distances of a[:i] to all b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0] // of a[:i] to b[:j]
		row[0]++
		for j := range len(b) {
			replaced := before
			if a[i] != b[j] {
				replaced++
			}
			before = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// wants holds the accepted forms of pflag's own types. The error of Set of any other
// type is the form: "want ...".
var wants = map[string]string{
	"bool": "true or false", "int": "a whole number", "int64": "a whole number", "float64": "a number",
	"duration": "a duration such as 30s, 10m or 192h",
}

// mistake reports a value that Set has refused with err, and the accepted form.
func mistake(name, value string, flag *pflag.Flag, err error) error {
	want, ok := strings.CutPrefix(err.Error(), "want ")
	if !ok {
		want = wants[flag.Value.Type()]
	}
	return Invalid(name, value, want)
}
