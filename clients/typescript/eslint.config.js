import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "node_modules", "eslint.config.js"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Fields that are left out on purpose when the rest is taken.
      "@typescript-eslint/no-unused-vars": [
        "error",
        { varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      // An empty string is as good as none.
      "@typescript-eslint/prefer-nullish-coalescing": [
        "error",
        { ignorePrimitives: { string: true } },
      ],
    },
  },
  // Whatever is in the data file is written as it is.
  { files: ["scenarios/**"], rules: { "@typescript-eslint/no-base-to-string": "off" } },
  // node:test runs what `test` gives back.
  { files: ["tests/**"], rules: { "@typescript-eslint/no-floating-promises": "off" } },
);
