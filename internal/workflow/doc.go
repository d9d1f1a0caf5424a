// Package workflow holds what the workflows of packages images and session share: checks
// of their options, bounds of their listings, errors, the last lines of an output, and
// their spans and log records.
package workflow
