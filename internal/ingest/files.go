package ingest

import "github.com/rs/zerolog"

// reservedFiles are the open files that are not webhook connections: the connection to
// NATS, the admin listener with its scrapers, certificates, a lookup of a name.
const reservedFiles = 64

// openFiles returns MAX_CONNECTIONS, lowered to what the limit of open files allows.
// Without files a listener cannot even accept a connection in order to close another.
func openFiles(connections int, log zerolog.Logger) int {
	files, known := fileLimit()
	if !known {
		return connections
	}
	allowed := within(connections, files)
	if allowed < connections {
		log.Warn().Int("max_connections", connections).Uint64("open_files", files).Int("allowed", allowed).
			Msg("MAX_CONNECTIONS is lowered: the process may not open as many files; raise the limit of open files (ulimit -n, LimitNOFILE)")
	}
	return allowed
}

// within returns the number of connections that fit into a limit of open files, with a
// quarter in excess; see connections.taken. A small limit is shared equally.
func within(connections int, files uint64) int {
	rest := files - min(reservedFiles, files/2)
	return int(max(min(uint64(connections), rest/5*4), 1)) //nolint:gosec // at most connections, which is above 0
}
