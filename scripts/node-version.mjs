/**
 * Says in plain words that Node.js is too old, before anything else fails because of it. Written for any Node.js.
 */
const OLDEST_MAJOR = 20;
const OLDEST_MINOR = 19;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST_MAJOR || (major === OLDEST_MAJOR && minor < OLDEST_MINOR)) {
  const oldest = `${OLDEST_MAJOR}.${OLDEST_MINOR}`;
  console.error(`Sluice needs Node.js ${oldest} or newer (24 LTS recommended); this is ${process.versions.node}.`);
  process.exitCode = 1;
}
