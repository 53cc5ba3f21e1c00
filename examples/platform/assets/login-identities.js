// What this browser keeps of each identity, in its local storage, the one used last first. The PIN is nowhere.
// Another platform at this address has another project.
const PREFIX = "mpin-";
const key = PREFIX + document.getElementById("login").dataset.projectId;

const read = (name) => JSON.parse(localStorage.getItem(name) ?? "[]");
export const identities = () => read(key);
export const identityOf = (email) => identities().find((identity) => identity.email === email);

export function keep(identity) {
  const others = identities().filter(({ email }) => email !== identity.email);
  localStorage.setItem(key, JSON.stringify([identity, ...others]));
}

export function forget(email) {
  localStorage.setItem(key, JSON.stringify(identities().filter((identity) => identity.email !== email)));
}

// Whom this browser had registered at this address with another data folder of the platform, if nobody with this one.
export function lost() {
  if (identities().length > 0) return undefined;
  const names = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX) && name !== key);
  return names.flatMap(read)[0]?.email;
}

// The session of the QR code that this browser has read, while a message of it is on its way.
const READ = "miracl-other-device";
export const noteSession = (accessId) => localStorage.setItem(READ, accessId);
export const hasReadCodeOf = (accessId) => Boolean(accessId) && localStorage.getItem(READ) === accessId;
