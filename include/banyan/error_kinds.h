/*
 * The framework's error kinds, one row each: name, parent, HTTP status,
 * problem slug, title, retryable. The kind names, the statuses of answers, the
 * problem types and the documentation all come from here.
 */
#ifndef BANYAN_ERROR_KINDS_H
#define BANYAN_ERROR_KINDS_H

#define BY_ERROR_KINDS(X) \
	X(ERROR, ERROR, 500, "internal-error", "Internal Server Error", false) \
	X(BAD_REQUEST, ERROR, 400, "bad-request", "Bad Request", false) \
	X(MALFORMED, BAD_REQUEST, 400, "malformed-body", "Malformed Request Body", false) \
	X(UNAUTHENTICATED, ERROR, 401, "unauthenticated", "Authentication Required", false) \
	X(FORBIDDEN, ERROR, 403, "forbidden", "Forbidden", false) \
	X(NOT_FOUND, ERROR, 404, "not-found", "Not Found", false) \
	X(METHOD_NOT_ALLOWED, ERROR, 405, "method-not-allowed", "Method Not Allowed", false) \
	X(NOT_ACCEPTABLE, ERROR, 406, "not-acceptable", "Not Acceptable", false) \
	X(REQUEST_TIMEOUT, ERROR, 408, "request-timeout", "Request Timeout", true) \
	X(CONFLICT, ERROR, 409, "conflict", "Conflict", false) \
	X(UNIQUE_VIOLATION, CONFLICT, 409, "already-exists", "Already Exists", false) \
	X(REFERENCE_VIOLATION, CONFLICT, 409, "reference-violation", "Reference Violation", false) \
	X(VERSION_CONFLICT, CONFLICT, 409, "conflict", "Conflict", false) \
	X(SERIALIZATION_FAILURE, CONFLICT, 409, "serialization-failure", "Concurrent Update", true) \
	X(GONE, ERROR, 410, "gone", "Gone", false) \
	X(PRECONDITION_FAILED, ERROR, 412, "precondition-failed", "Precondition Failed", false) \
	X(PAYLOAD_TOO_LARGE, ERROR, 413, "payload-too-large", "Payload Too Large", false) \
	X(URI_TOO_LONG, ERROR, 414, "uri-too-long", "URI Too Long", false) \
	X(UNSUPPORTED_MEDIA_TYPE, ERROR, 415, "unsupported-media-type", "Unsupported Media Type", false) \
	X(VALIDATION, ERROR, 422, "validation-failed", "Validation Failed", false) \
	X(PRECONDITION_REQUIRED, ERROR, 428, "precondition-required", "Precondition Required", false) \
	X(TOO_MANY_REQUESTS, ERROR, 429, "too-many-requests", "Too Many Requests", true) \
	X(CANCELLED, ERROR, 499, "cancelled", "Client Closed Request", true) \
	X(INTERNAL, ERROR, 500, "internal-error", "Internal Server Error", false) \
	X(CONFIGURATION, INTERNAL, 500, "configuration", "Invalid Configuration", false) \
	X(DATABASE, INTERNAL, 500, "internal-error", "Internal Server Error", false) \
	X(IO, INTERNAL, 500, "internal-error", "Internal Server Error", false) \
	X(NOT_IMPLEMENTED, ERROR, 501, "not-implemented", "Not Implemented", false) \
	X(UNAVAILABLE, ERROR, 503, "unavailable", "Service Unavailable", true) \
	X(DATABASE_UNAVAILABLE, UNAVAILABLE, 503, "database-unavailable", "Service Unavailable", true) \
	X(STOPPING, UNAVAILABLE, 503, "unavailable", "Service Unavailable", true) \
	X(OVERLOADED, UNAVAILABLE, 503, "overloaded", "Service Unavailable", true) \
	X(DEADLINE_EXCEEDED, ERROR, 504, "deadline-exceeded", "Deadline Exceeded", true)

#endif
