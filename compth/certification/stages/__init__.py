"""The stages of certify, one file each: what is settled by proof, by exact search, by audits, by cells, by bits.

A stage is a function from a `Case` to a `Case`: one dimension of a call, with what is known of it so far. Their order
is the literal list `compth.certification.pipeline.STAGES`; a new stage is a file here and a line there. A stage adds
certificates or replaces those of claims that are open; it never softens a refutation.

A stage may read what earlier ones found and nothing of what later ones will do; it asks the program only through
`Run.subject`, and pays for its work from `Run.budget`.
"""
