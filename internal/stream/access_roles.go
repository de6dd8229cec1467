package stream

// A role is what a program publishes, and the inbox on which it gets answers. The lists of
// ingest and worker are those of deploy/k8s/base/nats/accounts.conf.
type role struct {
	name, inbox string
	publish     []string
}

// defaultInbox is the prefix of nats.go, with which cioctl connects.
const defaultInbox = "_INBOX"

// prefix returns the InboxPrefix of a Config, "" for the default.
func (r role) prefix() string {
	if r.inbox == defaultInbox {
		return ""
	}
	return r.inbox
}

// roles are sorted by rights: only an operator may use the default inbox.
var roles = []role{
	{"operator", defaultInbox, []string{
		eventsPrefix + ">",
		backfillPrefix + ">",
		redrivePrefix + ">",
		"$JS.API.INFO",
		"$JS.API.STREAM.INFO." + Name,
		"$JS.API.STREAM.INFO." + DeadName,
		"$JS.API.STREAM.INFO." + stateStream,
		"$JS.API.STREAM.CREATE." + Name,
		"$JS.API.STREAM.CREATE." + DeadName,
		"$JS.API.STREAM.UPDATE." + Name,
		"$JS.API.STREAM.UPDATE." + DeadName,
		"$JS.API.STREAM.MSG.GET." + Name,
		"$JS.API.STREAM.MSG.GET." + DeadName,
		"$JS.API.STREAM.MSG.GET." + stateStream,
		"$JS.API.STREAM.MSG.DELETE." + Name,
		"$JS.API.STREAM.MSG.DELETE." + DeadName,
		"$JS.API.CONSUMER.LIST." + Name,
		"$JS.API.CONSUMER.CREATE." + Name + ".>",
		"$JS.API.CONSUMER.CREATE." + DeadName + ".>",
		"$JS.API.CONSUMER.INFO." + Name + ".*",
		"$JS.API.CONSUMER.INFO." + DeadName + ".*",
		"$JS.API.CONSUMER.MSG.NEXT." + Name + ".*",
		"$JS.API.CONSUMER.MSG.NEXT." + DeadName + ".*",
		"$JS.API.CONSUMER.DELETE." + Name + ".*",
		"$JS.API.CONSUMER.DELETE." + DeadName + ".*",
		stateSubject + ">",
		"$JS.API.STREAM.INFO." + erasedStream,
		"$JS.API.STREAM.CREATE." + erasedStream,
		"$JS.API.STREAM.MSG.GET." + erasedStream,
		"$JS.API.STREAM.MSG.DELETE." + erasedStream,
		"$JS.API.CONSUMER.CREATE." + erasedStream + ".>",
		"$JS.API.CONSUMER.INFO." + erasedStream + ".*",
		"$JS.API.CONSUMER.MSG.NEXT." + erasedStream + ".*",
		"$JS.API.CONSUMER.DELETE." + erasedStream + ".*",
		erasedSubject + ">",
	}},
	{"worker", "_INBOX_worker", []string{
		deadPrefix + ">",
		"$JS.API.STREAM.INFO." + Name,
		"$JS.API.STREAM.INFO." + DeadName,
		"$JS.API.STREAM.MSG.GET." + Name,
		"$JS.API.STREAM.CREATE." + Name,
		"$JS.API.STREAM.CREATE." + DeadName,
		"$JS.API.CONSUMER.CREATE." + Name + ".>",
		"$JS.API.CONSUMER.INFO." + Name + ".>",
		"$JS.API.CONSUMER.MSG.NEXT." + Name + ".>",
		"$JS.API.CONSUMER.LIST." + Name,
		"$JS.API.CONSUMER.NAMES." + Name,
		"$JS.API.CONSUMER.DELETE." + Name + ".*",
		"$JS.API.CONSUMER.RESET." + Name + ".*",
		stateSubject + ">",
		"$JS.API.STREAM.INFO." + stateStream,
		"$JS.API.STREAM.MSG.GET." + stateStream,
		"$JS.API.STREAM.CREATE." + stateStream,
		"$JS.API.STREAM.INFO." + erasedStream,
		"$JS.ACK.>",
	}},
	{"ingest", "_INBOX_ingest", []string{
		eventsPrefix + ">",
		deadPrefix + "ingest.>",
		"$JS.API.STREAM.INFO." + Name,
		"$JS.API.STREAM.INFO." + DeadName,
	}},
}
