package storage

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"slipway"
)

// again tells whether a transaction was turned down only because of what others did
// at the same time, so that it may be tried again.
func again(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01" // serialization failure, deadlock
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		primary := lite.Code() & 0xff
		return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
	}
	return false
}

// Unreachable tells whether an error means that the database is away: it cannot be
// reached, is starting or stopping, or went away in the middle. It is worth trying
// again; whether the last words still had an effect is not known.
func Unreachable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "57P01", "57P02", "57P03", "53300": // stopping, crashed, starting, full
			return true
		}
		return strings.HasPrefix(pg.Code, "08") // connection exception
	}
	var connect *pgconn.ConnectError
	var network *net.OpError
	if errors.As(err, &connect) || errors.As(err, &network) {
		return true
	}
	for _, lost := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}

// duplicate tells whether a row was refused because another has the same value in a
// unique column, written "table.column".
func duplicate(err error, column string) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		table, name, _ := strings.Cut(column, ".")
		return pg.Code == "23505" && pg.TableName == table && strings.Contains(pg.ConstraintName, name)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		unique := lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
		return unique && strings.Contains(lite.Error(), column)
	}
	return false
}

// missingTable tells whether a statement was refused because a table is not there.
func missingTable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "42P01"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && strings.Contains(lite.Error(), "no such table")
}

// orMissing gives the person's error when no row was found.
func orMissing(err error, missing *slipway.Error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return missing
	}
	return err
}

func noPlan() *slipway.Error {
	return slipway.Refuse(slipway.NotFound, "There is no such release plan.", "没有这个发布计划。")
}

func noDelivery() *slipway.Error {
	return slipway.Refuse(slipway.NotFound, "There is no such hook delivery.", "没有这条 Hook 投递记录。")
}

func noRun() *slipway.Error {
	return slipway.Refuse(slipway.NotFound, "There is no such run.", "没有这次运行记录。")
}

func noQuestion() *slipway.Error {
	return slipway.Refuse(slipway.NotFound, "There is no such question in another approval system.", "没有这条外部审批记录。")
}

func noUser() *slipway.Error {
	return slipway.Refuse(slipway.NotFound, "There is no such user.", "没有这个用户。")
}

func noRoom() *slipway.Error {
	return slipway.Refuse(slipway.NotFound, "There is no such room.", "没有这个会话。")
}

func noMessage() *slipway.Error {
	return slipway.Refuse(slipway.NotFound, "There is no such message.", "没有这条消息。")
}

func usedElsewhere() *slipway.Error {
	return slipway.Refuse(slipway.Conflict,
		"This request was made before, for another plan. Use a new request id.",
		"该请求 ID 已用于另一个发布计划，请使用新的请求 ID。")
}
