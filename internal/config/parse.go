package config

import "errors"

// Parse reads the command line and the environment; a flag wins. The error is a
// UsageError with all mistakes, ErrHelp or ErrVersion.
func (s *Set) Parse(args []string) error {
	s.flags.Usage = func() {} // the caller prints the help
	if err := s.flags.Parse(args); err != nil {
		if errors.Is(err, ErrHelp) {
			return err
		}
		return &UsageError{Err: FlagMistake(s.flags, err)}
	}
	if s.version {
		return ErrVersion
	}
	if s.flags.NArg() > 0 {
		return &UsageError{Err: errors.New("unexpected argument: want settings as --name=value")}
	}
	return s.Load()
}

// Load is Parse after the caller has parsed the flags.
func (s *Set) Load() error {
	var mistakes []error
	for _, v := range s.vars {
		mistakes = append(mistakes, s.load(v))
	}
	for _, check := range s.checks {
		mistakes = append(mistakes, check())
	}
	if err := errors.Join(mistakes...); err != nil {
		s.renameFlags(err)
		return &UsageError{Err: err}
	}
	return nil
}

func (s *Set) load(v variable) error {
	flag := s.flags.Lookup(flagName(v.name))
	if flag.Changed {
		return nil
	}
	value := s.getenv(v.name)
	if v.secret {
		var err error
		if value, err = s.secretValue(v.name); err != nil {
			return err
		}
	}
	if value == "" {
		return nil
	}
	if err := flag.Value.Set(value); err != nil { // not of a secret: any text is a valid secret
		_ = flag.Value.Set(flag.DefValue) // keeps a check from reporting a second mistake
		return mistake(v.name, value, flag, err)
	}
	return nil
}
