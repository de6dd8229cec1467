package customerio

// An api is what errors and the transport say and assume about one of Customer.io's
// APIs.
type api struct {
	name        string // in errors
	address     string // the setting of the address
	credentials string // subject of "… not accepted"
	scopes      bool   // a key may lack the scope of a call: the answer is 403
	maxAnswer   int64  // bytes of a success that a client reads
	// allPathsExist says that a client calls only paths that the API knows, so that a
	// 404 comes from another server.
	allPathsExist bool
}

// A real answer of the Track API is "{}", or the faults of the items of a batch.
var trackAPI = &api{ //nolint:gosec // names, no credentials
	name: "Track API", address: "CUSTOMERIO_TRACK_URL", maxAnswer: 1 << 20, allPathsExist: true,
	credentials: "site id and Track API key are",
}

// A page of the App API has up to 1,000 deliveries of 1 to 2 KB each, and a list of
// campaigns has no pages.
var appAPI = &api{ //nolint:gosec // names, no credentials
	name: "App API", address: "CUSTOMERIO_APP_URL", maxAnswer: 32 << 20, scopes: true,
	credentials: "the App API key is",
}
