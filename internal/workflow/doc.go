// Package workflow holds what the workflows of packages images and session share: checks of
// their options, bounds of their listings, and the error for an incomplete response.
package workflow
