/**
 * One case of a replay, whichever area it comes from.
 * @typedef {{ id: string, name: string, differs: boolean, differences: string[] }} Outcome
 */

/**
 * Reads the results that a replay script wrote; each area writes its own shape.
 * @returns {Outcome[]}
 */
export function readOutcomes(results) {
  const list = Array.isArray(results) ? results : results.cases;
  return list.map((result) => {
    const differences = result.differences ?? result.problems ?? result.diff ?? [];
    // grpc puts its remark about an obsolete declaration among the problems, so trust the state.
    const obsolete = result.state === "failed" && /no longer differs/.test(differences[0] ?? "");
    return {
      id: result.id,
      name: result.scenario === undefined ? result.id : `${result.scenario}/${result.id}`,
      differs: differences.length > 0 && !obsolete,
      differences,
    };
  });
}
