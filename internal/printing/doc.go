// Package printing holds the test that no exported type of this module prints secrets.
package printing
