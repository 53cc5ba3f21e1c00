// What the pages say, in the language of the page. The texts of each language are a file of the platform.
const root = document.documentElement;
const load = async (lang) => (await fetch(`/texts/${lang}.json`)).json();
let texts = await load(root.lang);

// Returns a text with its {names} replaced.
export const text = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

// Returns the form of a text that goes with a number: Romanian has three.
export function plural(key, count) {
  const form = `${key}.${new Intl.PluralRules(root.lang).select(count)}`;
  return text(form in texts ? form : `${key}.other`, { count });
}

// Writes a text into an element, names in bold.
export function write(element, key, values) {
  const parts = texts[key].split(/\{(\w+)\}/);
  const nodes = parts.map((part, index) => {
    if (index % 2 === 0) return part;
    const name = document.createElement("strong");
    name.textContent = values[part] ?? "";
    name.className = part;
    return name;
  });
  element.replaceChildren(...nodes);
}

// Writes every text of a part of the page.
export function fill(part, values) {
  for (const element of part.querySelectorAll("[data-text]")) write(element, element.dataset.text, values);
  for (const element of part.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label, values));
  }
}

// Goes on in another language.
export async function speak(lang) {
  texts = await load(lang);
  root.lang = lang;
}
