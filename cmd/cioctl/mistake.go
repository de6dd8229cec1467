package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
)

// none is cobra.NoArgs with an error in plain words.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q: %s takes flags only", args[0], cmd.CommandPath())
	}
	return nil
}

// one is cobra.ExactArgs(1) with an error that names the argument.
func one(want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New("want " + want)
		}
		return nil
	}
}

// optional is cobra.MaximumNArgs(1) with an error that names the argument.
func optional(want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("unexpected argument %q: want at most %s", args[1], want)
		}
		return nil
	}
}

// filled reports filters that are given with an empty value, as --person "$WHO" with an
// unset variable is: without the report the command would select everything.
func filled(s *config.Set, names ...string) {
	s.Check(func() error {
		var mistakes []error
		for _, name := range names {
			if f := s.Flags().Lookup(name); f.Changed && (f.Value.String() == "" || f.Value.String() == "[]") {
				mistakes = append(mistakes, fmt.Errorf("--%s: is empty", name))
			}
		}
		return errors.Join(mistakes...)
	})
}

// exclusive returns settings that refuse two flags together, of which one replaces the
// other. A flag without a value, as --since "$SINCE" with an unset variable, does not count.
func exclusive(a, b string) settings {
	return declare(func(s *config.Set) {
		s.Check(func() error {
			for _, name := range []string{a, b} {
				if f := s.Flags().Lookup(name); !f.Changed || f.Value.String() == "" {
					return nil
				}
			}
			return fmt.Errorf("--%s and --%s exclude each other: give one of the two", a, b)
		})
	})
}

// subcommand returns an error for an argument of a group: no subcommand has the name.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if args[0] == "version" && !cmd.HasParent() {
		return fmt.Errorf("unknown command %q: did you mean %s --version?", args[0], cmd.CommandPath())
	}
	cmd.SuggestionsMinimumDistance = 2 // cobra's default, which cobra sets for its own errors only
	names := cmd.SuggestionsFor(args[0])
	if len(names) > 0 {
		return fmt.Errorf("unknown command %q: did you mean %s %s?", args[0], cmd.CommandPath(), strings.Join(names, " or "))
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return fmt.Errorf("unknown command %q: want %s and one of %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
}

// flagError prefixes each of an operator's mistakes with the dashes of the flag, as in
// "--since: cause".
func flagError(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var mistakes []error
		for _, m := range joined.Unwrap() {
			mistakes = append(mistakes, flagError(m))
		}
		return errors.Join(mistakes...)
	}
	if input, ok := errors.AsType[*operate.InputError](err); ok && input.Field != strings.ToUpper(input.Field) { // NAME is an argument
		return fmt.Errorf("--%w", input)
	}
	return err
}
