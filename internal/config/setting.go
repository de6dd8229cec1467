package config

// A Setting is the documentation of one setting.
type Setting struct {
	// Name is the environment variable, Flag the flag with both dashes.
	Name, Flag string
	// Default is the default value as a user writes it, "" for none.
	Default string
	// About is the help text.
	About string
}

// Settings returns all settings, in order of declaration.
func (s *Set) Settings() []Setting {
	settings := make([]Setting, len(s.vars))
	for i, v := range s.vars {
		flag := s.flags.Lookup(flagName(v.name))
		settings[i] = Setting{Name: v.name, Flag: "--" + flag.Name, Default: flag.DefValue, About: flag.Usage}
	}
	return settings
}
