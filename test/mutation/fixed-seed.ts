/**
 * Makes property tests try the same cases in every run, so that a mutant is judged alike each time, and keeps them from
 * looking for a smaller example once one has killed the mutant.
 */
import fc from "fast-check";

fc.configureGlobal({ seed: 1, endOnFailure: true });
