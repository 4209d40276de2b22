(* The library of the exported theorems, to be read in one sitting.

   1. The space: an inner-product space with the average P over workers and a filtration F, by its laws.
   2. The schemas: what a hypothesis of a theorem says.
   3. The texts of the kernel as data, and what they mean in the space.
   4. Normal forms: every text is a polynomial in scalars and inner products; divisors are cleared.
   5. Signs and scripts: a checker of certificates, and its soundness.
   6. The run lemma: from one step to k steps.

   A theorem's file states its claims in the words of parts 1 and 2 alone. Parts 3 to 5 only prove. *)

From Coq Require Import Reals Lra Lia List ZArith Bool PeanoNat BinPos EnvRing RealField.
Import ListNotations.
Open Scope R_scope.

(* ---- finite sums --------------------------------------------------------------------------------------------- *)

Fixpoint sum (n : nat) (f : nat -> R) : R := match n with O => 0 | S m => sum m f + f m end.
Lemma sum_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> sum n f = sum n g.
Proof. induction n as [| n IH]; simpl; intro E; [reflexivity | rewrite IH, E by auto with arith; reflexivity]. Qed.
Lemma sum_add n f g : sum n (fun i => f i + g i) = sum n f + sum n g.
Proof. induction n as [| n IH]; simpl; [ring | rewrite IH; ring]. Qed.
Lemma sum_scal n c f : sum n (fun i => c * f i) = c * sum n f.
Proof. induction n as [| n IH]; simpl; [ring | rewrite IH; ring]. Qed.
Lemma sum_zero n : sum n (fun _ => 0) = 0.
Proof. induction n as [| n IH]; simpl; [reflexivity | rewrite IH; ring]. Qed.
Lemma sum_null n f : (forall i, (i < n)%nat -> f i = 0) -> sum n f = 0.
Proof. intro E; rewrite <- (sum_zero n); now apply sum_ext. Qed.
Lemma sum_const n c : sum n (fun _ => c) = INR n * c.
Proof. induction n as [| n IH]; [simpl; ring | rewrite S_INR; simpl; rewrite IH; ring]. Qed.
Lemma sum_pos n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= sum n f.
Proof. induction n as [| n IH]; simpl; intro A; [lra | apply Rplus_le_le_0_compat; auto with arith]. Qed.
Lemma sum_swap n m f : sum n (fun i => sum m (fun j => f i j)) = sum m (fun j => sum n (fun i => f i j)).
Proof. induction n as [| n IH]; simpl; [now rewrite sum_zero | now rewrite IH, sum_add]. Qed.
Lemma sum_term n f i : (forall j, (j < n)%nat -> 0 <= f j) -> (i < n)%nat -> f i <= sum n f.
Proof.
  induction n as [| n IH]; simpl; intros A L; [lia |].
  assert (B : 0 <= sum n f) by (apply sum_pos; auto with arith).
  assert (C : 0 <= f n) by auto with arith.
  destruct (Nat.eq_dec i n) as [-> | N]; [lra |].
  assert (f i <= sum n f) by (apply IH; [auto with arith | lia]); lra.
Qed.

(* A random set of indices below n, u j = 1 where j is in it, 0 elsewhere: E is its expectation, and j is in it with
   probability p j, whatever it shares with the others (coins, a uniform k-subset, a single one). *)
Definition inclusion (n : nat) (p : nat -> R) (E : ((nat -> R) -> R) -> R) : Prop :=
  (forall f g, E (fun u => f u + g u) = E f + E g) /\ (forall c f, E (fun u => c * f u) = c * E f)
  /\ (forall f g, (forall u, f u = g u) -> E f = E g) /\ E (fun _ => 1) = 1
  /\ forall j g, (j < n)%nat -> E (fun u => g (u j)) = p j * g 1 + (1 - p j) * g 0.

(* such a law exists: independent coins *)
Definition upd (u : nat -> R) (n : nat) (t : R) : nat -> R := fun j => if Nat.eqb j n then t else u j.
Fixpoint coins (n : nat) (p : nat -> R) (f : (nat -> R) -> R) : R :=
  match n with
  | O => f (fun _ => 0)
  | S m => p m * coins m p (fun u => f (upd u m 1)) + (1 - p m) * coins m p (fun u => f (upd u m 0))
  end.
Lemma coins_ext n p : forall f g, (forall u, f u = g u) -> coins n p f = coins n p g.
Proof. induction n as [| n IH]; simpl; intros f g E; [apply E |].
  now rewrite (IH (fun u => f (upd u n 1)) (fun u => g (upd u n 1))), (IH (fun u => f (upd u n 0)) (fun u => g (upd u n 0)))
    by (intro; apply E).
Qed.
Lemma coins_add n p : forall f g, coins n p (fun u => f u + g u) = coins n p f + coins n p g.
Proof. induction n as [| n IH]; simpl; intros f g; [reflexivity | rewrite (IH (fun u => f (upd u n 1))), (IH (fun u => f (upd u n 0))); ring]. Qed.
Lemma coins_scal n p : forall c f, coins n p (fun u => c * f u) = c * coins n p f.
Proof. induction n as [| n IH]; simpl; intros c f; [reflexivity | rewrite (IH c (fun u => f (upd u n 1))), (IH c (fun u => f (upd u n 0))); ring]. Qed.
Lemma coins_const n p c : coins n p (fun _ => c) = c.
Proof. induction n as [| n IH]; simpl; [reflexivity | rewrite IH; ring]. Qed.
Lemma coins_inclusion n p : inclusion n p (coins n p).
Proof.
  repeat split; [apply coins_add | apply coins_scal | apply coins_ext | apply coins_const |].
  induction n as [| n IH]; intros j g L; [lia |]; simpl; destruct (Nat.eq_dec j n) as [-> | N].
  - unfold upd; rewrite Nat.eqb_refl, !coins_const; ring.
  - rewrite !(coins_ext _ _ (fun u => g (upd u n _ j)) (fun u => g (u j))), IH; [ring | lia | |];
      intro u; unfold upd; now rewrite (proj2 (Nat.eqb_neq _ _) N).
Qed.
(* ---- 1. the space -------------------------------------------------------------------------------------------- *)

(* H = L2(Omega; (R^d)^n) with <a, b> = E (1/n) sum_i <a_i, b_i>. Vectors are only ever seen through inner products, so
   no equality of vectors is asked for. F t v: v is known at time t. Model.v gives spaces that obey all this. *)
Class Space := {
  V : Type; zero : V; add : V -> V -> V; scal : R -> V -> V; dot : V -> V -> R; P : V -> V; F : nat -> V -> Prop;
  dot_sym : forall a b, dot a b = dot b a;
  dot_add_l : forall a b c, dot (add a b) c = dot a c + dot b c;
  dot_scal_l : forall r a c, dot (scal r a) c = r * dot a c;
  dot_zero_l : forall c, dot zero c = 0;
  dot_pos : forall a, 0 <= dot a a;
  P_self : forall a b, dot (P a) b = dot a (P b);
  P_idem : forall a b, dot a (P (P b)) = dot a (P b);
  F_mono : forall t v, F t v -> F (S t) v;
  F_P : forall t v, F t v -> F t (P v) }.

Section Words.
Context {H : Space}.
Definition sub (a b : V) : V := add a (scal (-1) b).
Definition sq (a : V) : R := dot a a.
(* the same at every worker *)
Definition common (c : V) : Prop := forall a, dot a (P c) = dot a c.
(* E[Q | F_t] = v *)
Definition drawn (t : nat) (Q v : V) : Prop := forall w, F t w -> dot w Q = dot w v.
(* self-adjoint, known at time t; the same at every worker *)
Definition operator (t : nat) (A : V -> V) : Prop :=
  (forall a b, dot (A a) b = dot a (A b)) /\ (forall s v, (t <= s)%nat -> F s v -> F s (A v)).
Definition commutes (A : V -> V) : Prop := forall a b, dot a (A (P b)) = dot a (P (A b)).
End Words.

(* where a statement has no vectors *)
Definition trivial : Space.
Proof.
  refine {| V := unit; zero := tt; add := fun _ _ => tt; scal := fun _ _ => tt; dot := fun _ _ => 0; P := fun v => v;
    F := fun _ _ => True |}; intros; solve [ring | reflexivity | lra | exact I].
Defined.

(* ---- 2. the schemas ------------------------------------------------------------------------------------------ *)

Section Schemas.
Context {H : Space}.
Local Infix "-v" := sub (at level 50, left associativity).
(* Q, R drawn with mean m *)
Definition variance (Q m : V) (omega : R) := sq (Q -v m) <= omega * sq m.
Definition independent (Q m : V) (n : R) := n * sq (P (Q -v m)) = sq (Q -v m).
Definition joint (Q m : V) (A B : R) := sq (P (Q -v m)) <= A * sq m - B * sq (P m).
Definition spread (Q m v : V) (omega : R) := sq (Q -v m) <= omega * sq v.
Definition mean_spread (Q m v : V) (omega : R) := sq (P (Q -v m)) <= omega * sq v.
Definition noise (Q m : V) (A : V -> V) (s : R) := sq (A (Q -v m)) <= s.
(* compressors and coins *)
Definition mixture (Y : V) (p : R) (u v : V) := sq Y = p * sq u + (1 - p) * sq v.
Definition contraction (c v : V) (delta : R) := sq (c -v v) <= (1 - delta) * sq v.
Definition bias (c v : V) (eta : R) := sq (c -v v) <= eta ^ 2 * sq v.
Definition b1_lower (c x : V) (alpha : R) := alpha * sq x <= sq c.
Definition b2_lower (c x : V) (gamma : R) := gamma * sq x <= dot c x.
Definition b_upper (c x : V) (beta : R) := sq c <= beta * dot c x.
(* functions: values f, fs, fp and gradients g, gs, h, k *)
Definition strongly_convex (f fs : R) (g x xs : V) (mu : R) := f + dot g (xs -v x) + mu / 2 * sq (xs -v x) <= fs.
Definition cocoercive (f fs : R) (g gs x xs : V) (L : R) := fs + dot gs (x -v xs) + sq (g -v gs) / (2 * L) <= f.
Definition sector (f h : R) (g k x y : V) (m L : R) :=
  h + dot k (x -v y) + m / 2 * sq (x -v y) + sq (g -v k -v scal m (x -v y)) / 2 / (L - m) <= f.
Definition coercive (g gs x xs : V) (mu L : R) :=
  sq (g -v gs) + mu * L * sq (x -v xs) <= (L + mu) * dot (g -v gs) (x -v xs).
Definition descent (fp f : R) (g xp x : V) (L : R) := fp <= f + dot g (xp -v x) + L / 2 * sq (xp -v x).
Definition polyak (f fs : R) (g : V) (mu : R) := 2 * mu * (f - fs) <= sq g.
Definition lipschitz (g gs x xs : V) (M : R) := sq (g -v gs) <= M * sq (x -v xs).
Definition quadratic (fp f : R) (g d r : V) := fp = f + dot g d + sq r / 2.
Definition loewner (v u w : V) (t : R) := sq v <= t * dot u w.
Definition dissimilar (g : V) (z : R) := sq (g -v P g) <= z.
Definition zero_at (v u : V) := dot v u = 0.
(* numbers *)
Definition least (f fs : R) := fs <= f.
Definition floor (s a : R) := a <= s.
Definition growth (a s f fs B C D : R) := a <= B * s + 2 * C * (f - fs) + D.
Definition order (a b : R) := a <= b.
End Schemas.

(* numerals: what an instance of such a theorem has to show *)
Ltac numeral := first [ lra | solve [field_simplify; lra] ].
Ltac numeric_at j :=
  first [ exfalso; lia | destruct j as [| j]; [cbv delta [order] beta; cbn [nth sum]; numeral | numeric_at j] ].
Ltac numeric :=
  intros; subst; repeat match goal with |- _ /\ _ => split end;
  match goal with
  | |- inclusion _ _ _ => apply coins_inclusion
  | |- forall j : nat, _ => intros j inside; numeric_at j
  | |- _ => cbv delta [order] beta; cbn [sum nth INR]; numeral
  end.

(* ---- 3. texts as data ---------------------------------------------------------------------------------------- *)

Inductive sx :=
| SC (z : Z) | SV (i : nat) | SAdd (a b : sx) | SSub (a b : sx) | SMul (a b : sx) | SNeg (a : sx) | SPow (a : sx) (n : nat)
| SDot (u v : vx) | SSq (u : vx)
with vx := VZ | VA (i : nat) | VAdd (u v : vx) | VSub (u v : vx) | VScal (s : sx) (v : vx) | VOp (k : nat) (v : vx).

Scheme sx_both := Induction for sx Sort Prop with vx_both := Induction for vx Sort Prop.
Combined Scheme sx_vx from sx_both, vx_both.

Inductive kind := KLe | KLt | KEq.
Inductive rel := Rel (k : kind) (a b : sx).

Fixpoint sx_eqb (a b : sx) : bool :=
  match a, b with
  | SC z, SC y => Z.eqb z y
  | SV i, SV j => Nat.eqb i j
  | SAdd a a', SAdd b b' | SSub a a', SSub b b' | SMul a a', SMul b b' => sx_eqb a b && sx_eqb a' b'
  | SNeg a, SNeg b => sx_eqb a b
  | SPow a n, SPow b m => Nat.eqb n m && sx_eqb a b
  | SDot u v, SDot u' v' => vx_eqb u u' && vx_eqb v v'
  | SSq u, SSq v => vx_eqb u v
  | _, _ => false
  end
with vx_eqb (u v : vx) : bool :=
  match u, v with
  | VZ, VZ => true
  | VA i, VA j => Nat.eqb i j
  | VAdd a a', VAdd b b' | VSub a a', VSub b b' => vx_eqb a b && vx_eqb a' b'
  | VScal s a, VScal r b => sx_eqb s r && vx_eqb a b
  | VOp k a, VOp j b => Nat.eqb k j && vx_eqb a b
  | _, _ => false
  end.

Lemma eqb_both : (forall a b, sx_eqb a b = true -> a = b) /\ (forall u v, vx_eqb u v = true -> u = v).
Proof.
  apply sx_vx; intros; match goal with E : _ ?x ?y = true |- _ => destruct y; try discriminate E; simpl in E end;
    repeat match goal with E : _ && _ = true |- _ => apply andb_prop in E; destruct E end;
    repeat match goal with E : Z.eqb _ _ = true |- _ => apply Z.eqb_eq in E; subst
                         | E : Nat.eqb _ _ = true |- _ => apply Nat.eqb_eq in E; subst end;
    f_equal; auto.
Qed.
Definition sx_eqb_eq := proj1 eqb_both.

Definition kind_eqb (a b : kind) : bool :=
  match a, b with KLe, KLe | KLt, KLt | KEq, KEq => true | _, _ => false end.
Definition rel_eqb (r s : rel) : bool :=
  let '(Rel k a b) := r in let '(Rel j c d) := s in kind_eqb k j && sx_eqb a c && sx_eqb b d.
Lemma rel_eqb_eq r s : rel_eqb r s = true -> r = s.
Proof.
  destruct r as [k a b], s as [j c d]; simpl; intro E.
  apply andb_prop in E; destruct E as [E E2]; apply andb_prop in E; destruct E as [E0 E1].
  apply sx_eqb_eq in E1, E2; subst; destruct k, j; try discriminate E0; reflexivity.
Qed.

(* What sums are taken of: expressions at one index, in which SV 0 is the indicator, SV 1, ... the arrays' entries there
   and then come the scalars; sums of them, times scalars. *)
Inductive tx :=
| TC (e : sx) | TSum (s : nat) (b : sx) | TAdd (a b : tx) | TSub (a b : tx) | TMulL (e : sx) (a : tx) | TMulR (a : tx) (e : sx).

(* A vector's declaration: known at `lev`, the same everywhere or not, drawn at a time with a mean or not. *)
Record info := Info { lev : nat; com : bool; mean : option (nat * vx) }.
Record opinfo := OpInfo { olev : nat; ocom : bool }.

Section Values.
Context {H : Space}.
Variables (sc : list R) (ats : list V) (ops : list (V -> V)).
Definition sv (i : nat) : R := nth i sc 0.
Definition av (i : nat) : V := nth i ats zero.
Definition ov (k : nat) : V -> V := match k with O => P | S j => nth j ops (fun v => v) end.
End Values.
Fixpoint sden {H : Space} (sc : list R) (ats : list V) (ops : list (V -> V)) (e : sx) {struct e} : R :=
  match e with
  | SC z => IZR z
  | SV i => sv sc i
  | SAdd a b => sden sc ats ops a + sden sc ats ops b
  | SSub a b => sden sc ats ops a - sden sc ats ops b
  | SMul a b => sden sc ats ops a * sden sc ats ops b
  | SNeg a => - sden sc ats ops a
  | SPow a n => sden sc ats ops a ^ n
  | SDot u v => dot (vden sc ats ops u) (vden sc ats ops v)
  | SSq u => sq (vden sc ats ops u)
  end
with vden {H : Space} (sc : list R) (ats : list V) (ops : list (V -> V)) (e : vx) {struct e} : V :=
  match e with
  | VZ => zero
  | VA i => av ats i
  | VAdd u v => add (vden sc ats ops u) (vden sc ats ops v)
  | VSub u v => sub (vden sc ats ops u) (vden sc ats ops v)
  | VScal s v => scal (sden sc ats ops s) (vden sc ats ops v)
  | VOp k v => ov ops k (vden sc ats ops v)
  end.
Local Arguments ov {H} ops k : simpl never.

Section Deep.
Context {H : Space}.
Variables (sc : list R) (ats : list V) (ops : list (V -> V)).
Local Notation sval := (sden sc ats ops).
Local Notation vval := (vden sc ats ops).
Local Notation sat := (sv sc).
Local Notation aat := (av ats).
Local Notation oat := (ov ops).

Definition rden (r : rel) : Prop :=
  let '(Rel k a b) := r in
  match k with KLe => sval a <= sval b | KLt => sval a < sval b | KEq => sval a = sval b end.
Fixpoint all_hold (l : list rel) : Prop := match l with [] => True | r :: rest => rden r /\ all_hold rest end.
Fixpoint claims_hold (l : list rel) : Prop :=
  match l with [] => True | [r] => rden r | r :: rest => rden r /\ claims_hold rest end.

Fixpoint declared (i : nat) (l : list info) : Prop :=
  match l with
  | [] => True
  | a :: rest =>
    F (lev a) (aat i) /\ (if com a then common (aat i) else True)
    /\ match mean a with Some (t, m) => drawn t (aat i) (vval m) | None => True end /\ declared (S i) rest
  end.
Fixpoint operators (k : nat) (l : list opinfo) : Prop :=
  match l with
  | [] => True
  | a :: rest => operator (olev a) (oat k) /\ (if ocom a then commutes (oat k) else True) /\ operators (S k) rest
  end.

(* ---- 4. normal forms ----------------------------------------------------------------------------------------- *)

Notation pe := (PExpr Z).
Definition word := list nat.
Fixpoint app (w : word) (v : V) : V := match w with [] => v | k :: w => oat k (app w v) end.

(* The inner products that occur, in canonical form: the variables of the polynomials beside the scalars. *)
Definition triple : Type := nat * word * nat.
Variables (infos : list info) (opinfos : list opinfo) (table : list triple).
Hypothesis Hdecl : declared 0 infos.
Hypothesis Hops : operators 1 opinfos.

Definition gram_value (g : triple) : R := let '(a, w, b) := g in dot (aat a) (app w (aat b)).
Definition env (p : positive) : R :=
  match p with
  | xH => 0
  | xO q => sat (pred (Pos.to_nat q))
  | xI q => nth (pred (Pos.to_nat q)) (map gram_value table) 0
  end.
Definition scalar_key (i : nat) : positive := xO (Pos.of_succ_nat i).
Definition pden : pe -> R := PEeval Rplus Rmult Rminus Ropp IZR N.to_nat pow env.

Lemma IZR_morph : ring_morph 0 1 Rplus Rmult Rminus Ropp eq 0%Z 1%Z Z.add Z.mul Z.sub Z.opp Z.eqb IZR.
Proof.
  constructor; intros; [reflexivity | reflexivity | apply plus_IZR | apply minus_IZR | apply mult_IZR | apply opp_IZR |].
  f_equal; now apply Z.eqb_eq.
Qed.

Definition norm : pe -> Pol Z := norm_aux 0%Z 1%Z Z.add Z.mul Z.sub Z.opp Z.eqb.
Definition is_zero (p : pe) : bool := Peq Z.eqb (norm p) (Pc 0%Z).
Lemma is_zero_ok p : is_zero p = true -> pden p = 0.
Proof.
  intro E. unfold pden.
  rewrite (norm_aux_spec (Eqsth R) (Eq_ext Rplus Rmult Ropp)
    (Rth_ARth (Eqsth R) (Eq_ext _ _ _) (F_R Rfield)) IZR_morph R_power_theory).
  exact (Peq_ok (Eqsth R) (Eq_ext Rplus Rmult Ropp) IZR_morph _ _ E env).
Qed.

Lemma pden_scalar i : pden (PEX (scalar_key i)) = sat i.
Proof. unfold pden, scalar_key; simpl; unfold Env.nth, env. now rewrite SuccNat2Pos.id_succ. Qed.

(* -- the place of a triple in the table -- *)
Definition word_eqb (w z : word) : bool := if list_eq_dec Nat.eq_dec w z then true else false.
Definition triple_eqb (g h : triple) : bool :=
  let '(a, w, b) := g in let '(c, z, d) := h in Nat.eqb a c && Nat.eqb b d && word_eqb w z.
Lemma triple_eqb_eq g h : triple_eqb g h = true -> g = h.
Proof.
  destruct g as [[a w] b], h as [[c z] d]; simpl; unfold word_eqb; intro E.
  apply andb_prop in E; destruct E as [E E2]; apply andb_prop in E; destruct E as [E0 E1].
  apply Nat.eqb_eq in E0, E1; destruct (list_eq_dec Nat.eq_dec w z); [now subst | discriminate].
Qed.
Fixpoint find (g : triple) (l : list triple) (k : nat) : option nat :=
  match l with [] => None | h :: rest => if triple_eqb g h then Some k else find g rest (S k) end.
Lemma find_ok g l k n :
  find g l k = Some n -> exists m, (n = k + m)%nat /\ nth m (map gram_value l) 0 = gram_value g.
Proof.
  revert k; induction l as [| h l IH]; simpl; intros k E; [discriminate |].
  destruct (triple_eqb g h) eqn:T.
  - injection E as <-; apply triple_eqb_eq in T; subst; exists 0%nat; split; [lia | reflexivity].
  - destruct (IH _ E) as [m [A B]]; exists (S m); split; [lia | exact B].
Qed.
Definition entry (g : triple) : option pe :=
  match find g table 0 with Some n => Some (PEX (xI (Pos.of_succ_nat n))) | None => None end.
Lemma entry_ok g p : entry g = Some p -> pden p = gram_value g.
Proof.
  unfold entry; destruct (find g table 0) eqn:E; intro A; [injection A as <- | discriminate].
  destruct (find_ok _ _ _ _ E) as [m [B C]]; simpl in B; subst.
  unfold pden; simpl; unfold Env.nth, env. now rewrite SuccNat2Pos.id_succ.
Qed.

(* -- laws of vectors -- *)
Lemma dot_add_r a b c : dot c (add a b) = dot c a + dot c b.
Proof. now rewrite !(dot_sym c), dot_add_l. Qed.
Lemma dot_scal_r r a c : dot c (scal r a) = r * dot c a.
Proof. now rewrite !(dot_sym c), dot_scal_l. Qed.
Lemma dot_zero_r c : dot c zero = 0.
Proof. now rewrite dot_sym, dot_zero_l. Qed.
Lemma dot_sub_r a b c : dot c (sub a b) = dot c a - dot c b.
Proof. unfold sub; rewrite dot_add_r, dot_scal_r; ring. Qed.

Definition op_at (k : nat) : option opinfo :=
  match k with O => Some (OpInfo 0 true) | S j => nth_error opinfos j end.
Lemma operators_nth l k : operators k l -> forall j a, nth_error l j = Some a ->
  operator (olev a) (oat (k + j)) /\ (if ocom a then commutes (oat (k + j)) else True).
Proof.
  revert k; induction l as [| b l IH]; intros k O [| j] a E; simpl in *; try discriminate.
  - injection E as <-; rewrite Nat.add_0_r; tauto.
  - replace (k + S j)%nat with (S k + j)%nat by lia; apply IH; tauto.
Qed.
Lemma op_at_ok k a : op_at k = Some a ->
  operator (olev a) (oat k) /\ (if ocom a then commutes (oat k) else True).
Proof.
  destruct k as [| j]; simpl; intro E.
  - injection E as <-; split; [split; [exact P_self | intros t v _; apply F_P] | intros u v; reflexivity].
  - exact (operators_nth _ _ Hops _ _ E).
Qed.
Lemma declared_nth l i : declared i l -> forall j a, nth_error l j = Some a ->
  F (lev a) (aat (i + j)) /\ (com a = true -> common (aat (i + j)))
  /\ match mean a with Some (t, m) => drawn t (aat (i + j)) (vval m) | None => True end.
Proof.
  revert i; induction l as [| b l IH]; intros i D [| j] a E; simpl in *; try discriminate.
  - injection E as <-; rewrite Nat.add_0_r; destruct D as (A & B & C & _).
    split; [exact A | split; [intro T; now rewrite T in B | exact C]].
  - replace (i + S j)%nat with (S i + j)%nat by lia; apply IH; tauto.
Qed.
Definition F_mono_le t s v : F t v -> (t <= s)%nat -> F s v.
Proof. intros A L; induction L; [exact A | now apply F_mono]. Qed.

Definition known_op (k : nat) : bool := match op_at k with Some _ => true | None => false end.
Lemma ov_self k a b : known_op k = true -> dot (oat k a) b = dot a (oat k b).
Proof. unfold known_op; destruct (op_at k) eqn:E; [intros _ | discriminate]. apply op_at_ok in E; apply E. Qed.
Lemma app_self w a b : forallb known_op w = true -> dot (app w a) b = dot a (app (rev w) b).
Proof.
  revert b; induction w as [| k w IH]; intros b K; simpl in *; [reflexivity |].
  apply andb_prop in K; destruct K as [K0 K]; rewrite ov_self, IH by assumption.
  f_equal; clear; induction (rev w) as [| j z IH]; simpl; [reflexivity | now rewrite IH].
Qed.
Lemma app_app w z v : app (w ++ z) v = app w (app z v).
Proof. induction w as [| k w IH]; simpl; congruence. Qed.
Lemma app_ext w b c : forallb known_op w = true -> (forall a, dot a b = dot a c) -> forall a, dot a (app w b) = dot a (app w c).
Proof.
  intros K E; induction w as [| k w IH]; intro a; simpl in *; [apply E |].
  apply andb_prop in K; destruct K as [K0 K]; rewrite <- !ov_self by assumption; now apply IH.
Qed.

(* -- canonical words: one P at most, in front of common operators, none where it meets a common vector -- *)
Definition common_op (k : nat) : bool := match op_at k with Some a => ocom a | None => false end.
Fixpoint drop (w : word) (c : bool) : word * bool :=
  match w with
  | [] => ([], c)
  | k :: w =>
    let (z, s) := drop w c in
    match k with O => (if s then z else O :: z, true) | S _ => (k :: z, s && common_op k) end
  end.
Lemma common_op_ok k : common_op k = true -> commutes (oat k).
Proof.
  unfold common_op; destruct (op_at k) eqn:E; [| discriminate]; intro T; apply op_at_ok in E; rewrite T in E; apply E.
Qed.
Lemma drop_ok w c v : forallb known_op w = true -> (c = true -> common v) ->
  (forall a, dot a (app w v) = dot a (app (fst (drop w c)) v)) /\ (snd (drop w c) = true -> common (app (fst (drop w c)) v))
  /\ forallb known_op (fst (drop w c)) = true.
Proof.
  intros K C; induction w as [| k w IH]; simpl in *; [repeat split; auto |].
  apply andb_prop in K; destruct K as [K0 K]; destruct (IH K) as (E & S & N); clear IH; destruct (drop w c) as [z s]; simpl in *.
  destruct k as [| j].
  - change (oat 0) with (@P H) in *; destruct s; simpl; change (oat 0) with (@P H) in *; repeat split; auto.
    + intro a; rewrite <- P_self, E; rewrite P_self; apply (S eq_refl).
    + intro a; rewrite <- !P_self; apply E.
    + intros _ a; apply P_idem.
  - simpl; repeat split; [intro a; rewrite <- !ov_self by assumption; apply E | | now rewrite K0, N].
    intros T a; apply andb_prop in T; destruct T as [T1 T2].
    rewrite <- (common_op_ok _ T2 a), <- !ov_self by assumption; apply (S T1).
Qed.
Fixpoint front (w : word) : word :=
  match w with
  | [] => []
  | k :: w => match front w with O :: z => if common_op k then O :: k :: z else k :: O :: z | z => k :: z end
  end.
Lemma front_ok w v : forallb known_op w = true ->
  (forall a, dot a (app w v) = dot a (app (front w) v)) /\ forallb known_op (front w) = true.
Proof.
  intro K; induction w as [| k w IH]; simpl in *; [auto |].
  apply andb_prop in K; destruct K as [K0 K]; destruct (IH K) as [E N]; clear IH.
  assert (G : forall a, dot a (oat k (app w v)) = dot a (oat k (app (front w) v))).
  { intro a; rewrite <- !ov_self by assumption; apply E. }
  destruct (front w) as [| [| j] z]; simpl in *; try (split; [exact G |]; now rewrite K0).
  destruct (common_op k) eqn:T; simpl; (split; [| now rewrite K0]); intro a; rewrite G; [apply (common_op_ok _ T) | reflexivity].
Qed.
Definition is_common (a : nat) : bool := match nth_error infos a with Some i => com i | None => false end.
Lemma is_common_ok a : is_common a = true -> common (aat a).
Proof.
  unfold is_common; destruct (nth_error infos a) eqn:E; [| discriminate]; intro C.
  destruct (declared_nth _ _ Hdecl _ _ E) as (_ & D & _); now apply D.
Qed.
Definition canon (a : nat) (w : word) (b : nat) : word :=
  front (rev (fst (drop (rev (front (fst (drop w (is_common b))))) (is_common a)))).
Lemma known_rev w : forallb known_op w = true -> forallb known_op (rev w) = true.
Proof. intro K; rewrite forallb_forall in *; intros k I; apply K, in_rev, I. Qed.
Lemma canon_ok a w b : forallb known_op w = true ->
  dot (aat a) (app w (aat b)) = dot (aat a) (app (canon a w b) (aat b)).
Proof.
  intro K; unfold canon.
  destruct (drop_ok w _ (aat b) K (is_common_ok b)) as (E & _ & N).
  destruct (front_ok _ (aat b) N) as [E1 N1].
  set (w1 := front (fst (drop w (is_common b)))) in *.
  destruct (drop_ok _ _ (aat a) (known_rev _ N1) (is_common_ok a)) as (E2 & _ & N2).
  set (w2 := fst (drop (rev w1) (is_common a))) in *.
  destruct (front_ok _ (aat b) (known_rev _ N2)) as [E3 _].
  rewrite E, E1, <- E3.
  transitivity (dot (aat b) (app (rev w1) (aat a))).
  { rewrite <- (rev_involutive w1) at 1. rewrite <- (app_self _ _ _ (known_rev _ N1)). apply dot_sym. }
  rewrite E2. rewrite dot_sym. now rewrite app_self.
Qed.
Definition settled (a : nat) (w : word) (b : nat) : option pe :=
  if forallb known_op w then
    match entry (a, canon a w b, b) with Some p => Some p | None => entry (b, canon b (rev w) a, a) end
  else None.
Lemma settled_ok a w b p : settled a w b = Some p -> pden p = dot (aat a) (app w (aat b)).
Proof.
  unfold settled; destruct (forallb known_op w) eqn:K; [| discriminate].
  destruct (entry (a, canon a w b, b)) eqn:E; intro A.
  - injection A as <-; apply entry_ok in E; rewrite E; simpl; now rewrite <- canon_ok.
  - apply entry_ok in A; rewrite A; simpl; rewrite <- canon_ok by (now apply known_rev).
    rewrite <- app_self by assumption; apply dot_sym.
Qed.

(* -- vectors as combinations of words at atoms, inner products of these by `G` -- *)
Definition comb : Type := list (pe * word * nat).
Fixpoint test (c : V) (l : comb) : R :=
  match l with [] => 0 | (p, w, b) :: rest => pden p * dot c (app w (aat b)) + test c rest end.
Definition gram_fun : Type := nat -> word -> nat -> option pe.
Definition good (G : gram_fun) : Prop := forall a w b p, G a w b = Some p -> pden p = dot (aat a) (app w (aat b)).

Section Norm.
Variable G : gram_fun.
Hypothesis HG : good G.

Fixpoint row (p : pe) (a : nat) (w : word) (l : comb) : option pe :=
  match l with
  | [] => Some (PEc 0%Z)
  | (q, z, b) :: rest =>
    match G a (rev w ++ z) b, row p a w rest with
    | Some g, Some r => Some (PEadd (PEmul (PEmul p q) g) r)
    | _, _ => None
    end
  end.
Fixpoint inner (l m : comb) : option pe :=
  match l with
  | [] => Some (PEc 0%Z)
  | (p, w, a) :: rest =>
    if forallb known_op w then
      match row p a w m, inner rest m with Some r, Some s => Some (PEadd r s) | _, _ => None end
    else None
  end.
Lemma row_ok p a w l r : forallb known_op w = true -> row p a w l = Some r ->
  pden r = pden p * test (app w (aat a)) l.
Proof.
  intro K; revert r; induction l as [| [[q z] b] l IH]; simpl; intros r E.
  - injection E as <-; unfold pden; simpl; ring.
  - destruct (G a (rev w ++ z) b) eqn:A; [| discriminate]; destruct (row p a w l) eqn:B; [| discriminate].
    injection E as <-; apply HG in A; specialize (IH _ eq_refl); unfold pden in *; simpl; rewrite IH, A.
    rewrite app_app, <- app_self by assumption; ring.
Qed.
Definition reads (v : V) (l : comb) : Prop := forall c, dot c v = test c l.
Lemma inner_ok u v l m r : reads u l -> reads v m -> inner l m = Some r -> pden r = dot u v.
Proof.
  intros U W E; rewrite dot_sym, U; clear U; revert r E; induction l as [| [[p w] a] l IH]; simpl; intros r E.
  - injection E as <-; reflexivity.
  - destruct (forallb known_op w) eqn:K; [| discriminate].
    destruct (row p a w m) eqn:A; [| discriminate]; destruct (inner l m) eqn:B; [| discriminate].
    injection E as <-; apply row_ok in A; [| assumption]; specialize (IH _ eq_refl); unfold pden in *; simpl.
    rewrite A, IH, <- W, (dot_sym v); reflexivity.
Qed.

Definition negated (l : comb) : comb := map (fun '(p, w, b) => (PEopp p, w, b)) l.
Definition scaled (s : pe) (l : comb) : comb := map (fun '(p, w, b) => (PEmul s p, w, b)) l.
Definition under (k : nat) (l : comb) : comb := map (fun '(p, w, b) => (p, k :: w, b)) l.
Definition both {A B C} (f : A -> B -> C) (a : option A) (b : option B) : option C :=
  match a, b with Some x, Some y => Some (f x y) | _, _ => None end.

Fixpoint snorm (e : sx) : option pe :=
  match e with
  | SC z => Some (PEc z)
  | SV i => Some (PEX (scalar_key i))
  | SAdd a b => both PEadd (snorm a) (snorm b)
  | SSub a b => both PEsub (snorm a) (snorm b)
  | SMul a b => both PEmul (snorm a) (snorm b)
  | SNeg a => match snorm a with Some p => Some (PEopp p) | None => None end
  | SPow a n => match snorm a with Some p => Some (PEpow p (N.of_nat n)) | None => None end
  | SDot u v => match vnorm u, vnorm v with Some l, Some m => inner l m | _, _ => None end
  | SSq u => match vnorm u with Some l => inner l l | None => None end
  end
with vnorm (e : vx) : option comb :=
  match e with
  | VZ => Some []
  | VA i => Some [(PEc 1%Z, [], i)]
  | VAdd u v => both (@List.app _) (vnorm u) (vnorm v)
  | VSub u v => both (fun l m => l ++ negated m) (vnorm u) (vnorm v)
  | VScal s v => both scaled (snorm s) (vnorm v)
  | VOp k v => if known_op k then match vnorm v with Some l => Some (under k l) | None => None end else None
  end.
Lemma test_app c l m : test c (l ++ m) = test c l + test c m.
Proof. induction l as [| [[p w] b] l IH]; simpl; [ring | rewrite IH; ring]. Qed.
Lemma test_negated c l : test c (negated l) = - test c l.
Proof. induction l as [| [[p w] b] l IH]; simpl; [ring | rewrite IH; unfold pden; simpl; ring]. Qed.
Lemma test_scaled s c l : test c (scaled s l) = pden s * test c l.
Proof. induction l as [| [[p w] b] l IH]; simpl; [ring | rewrite IH; unfold pden; simpl; ring]. Qed.
Lemma test_under k c l : known_op k = true -> test c (under k l) = test (oat k c) l.
Proof. intro K; induction l as [| [[p w] b] l IH]; simpl; [ring | now rewrite IH, ov_self]. Qed.

Lemma norm_ok : (forall e p, snorm e = Some p -> pden p = sval e) /\ (forall e l, vnorm e = Some l -> reads (vval e) l).
Proof.
  apply sx_vx; simpl; intros;
    repeat match goal with
    | E : both _ ?a ?b = Some _ |- _ => destruct a; [| discriminate E]; destruct b; [| discriminate E]; injection E as <-
    end.
  - injection H0 as <-; reflexivity.
  - injection H0 as <-; apply pden_scalar.
  - now rewrite <- (H0 _ eq_refl), <- (H1 _ eq_refl).
  - now rewrite <- (H0 _ eq_refl), <- (H1 _ eq_refl).
  - now rewrite <- (H0 _ eq_refl), <- (H1 _ eq_refl).
  - destruct (snorm a); [injection H1 as <- | discriminate]; now rewrite <- (H0 _ eq_refl).
  - destruct (snorm a); [injection H1 as <- | discriminate]; rewrite <- (H0 _ eq_refl).
    unfold pden; simpl; now rewrite Nnat.Nat2N.id.
  - destruct (vnorm u); [| discriminate]; destruct (vnorm v); [| discriminate].
    exact (inner_ok _ _ _ _ _ (H0 _ eq_refl) (H1 _ eq_refl) H2).
  - destruct (vnorm u); [| discriminate]; exact (inner_ok _ _ _ _ _ (H0 _ eq_refl) (H0 _ eq_refl) H1).
  - injection H0 as <-; intro y; apply dot_zero_r.
  - injection H0 as <-; intro y; simpl; unfold pden; simpl; ring.
  - intro y; rewrite dot_add_r, test_app; now rewrite <- (H0 _ eq_refl), <- (H1 _ eq_refl).
  - intro y; rewrite dot_sub_r, test_app, test_negated, <- (H0 _ eq_refl), <- (H1 _ eq_refl); ring.
  - intro y; rewrite dot_scal_r, test_scaled; now rewrite <- (H0 _ eq_refl), <- (H1 _ eq_refl).
  - destruct (known_op k) eqn:K; [| discriminate]; destruct (vnorm v); [injection H1 as <- | discriminate].
    intro y; rewrite test_under, <- ov_self by assumption; apply (H0 _ eq_refl).
Qed.
End Norm.

(* -- the mean rule: <a, w Q> = <a, w E[Q | F_t]> when a and w are known at t -- *)
Definition no_gram : gram_fun := fun _ _ _ => None.
Lemma no_gram_good : good no_gram.
Proof. intros a w b p; discriminate. Qed.
Definition known_at (t : nat) (a : nat) (w : word) : bool :=
  match nth_error infos a with
  | Some i => Nat.leb (lev i) t && forallb (fun k => match op_at k with Some o => Nat.leb (olev o) t | None => false end) w
  | None => false
  end.
Lemma known_at_ok t a w : known_at t a w = true -> forallb known_op w = true /\ forall z, incl z w -> F t (app z (aat a)).
Proof.
  unfold known_at; destruct (nth_error infos a) eqn:E; [| discriminate]; intro K; apply andb_prop in K; destruct K as [K0 K].
  apply Nat.leb_le in K0; rewrite forallb_forall in K; split.
  - apply forallb_forall; intros k I; specialize (K k I); unfold known_op; now destruct (op_at k).
  - induction z as [| k z IH]; intro I; simpl.
    + exact (F_mono_le _ _ _ (proj1 (declared_nth _ _ Hdecl _ _ E)) K0).
    + assert (J : In k w) by (apply I; now left); specialize (K k J); destruct (op_at k) eqn:O; [| discriminate].
      apply Nat.leb_le in K; apply op_at_ok in O; apply O; [exact K | apply IH; intros j Q; apply I; now right].
Qed.
Fixpoint through (G : gram_fun) (a : nat) (w : word) (l : comb) : option pe :=
  match l with
  | [] => Some (PEc 0%Z)
  | (q, z, b) :: rest => both (fun g r => PEadd (PEmul q g) r) (G a (w ++ z) b) (through G a w rest)
  end.
Lemma through_ok G a w l r : good G -> forallb known_op w = true -> through G a w l = Some r ->
  pden r = test (app (rev w) (aat a)) l.
Proof.
  intros HG K; revert r; induction l as [| [[q z] b] l IH]; simpl; intros r E.
  - injection E as <-; reflexivity.
  - destruct (G a (w ++ z) b) eqn:A; [| discriminate]; destruct (through G a w l) eqn:B; [| discriminate].
    injection E as <-; apply HG in A; specialize (IH _ eq_refl); unfold pden in *; simpl; rewrite IH, A, app_app.
    rewrite app_self by (now apply known_rev); now rewrite rev_involutive.
Qed.
Definition centre (b : nat) : option (nat * comb) :=
  match nth_error infos b with
  | Some i => match mean i with
              | Some (t, m) => match vnorm no_gram m with Some l => Some (t, l) | None => None end
              | None => None
              end
  | None => None
  end.
Lemma centre_ok b t l : centre b = Some (t, l) -> forall w, F t w -> dot w (aat b) = test w l.
Proof.
  unfold centre; destruct (nth_error infos b) eqn:E; [| discriminate]; destruct (mean i) as [[s m] |] eqn:M; [| discriminate].
  destruct (vnorm no_gram m) eqn:N; [| discriminate]; intro A; injection A as <- <-; intros w W.
  destruct (declared_nth _ _ Hdecl _ _ E) as (_ & _ & D); rewrite M in D; cbn [Nat.add] in D; rewrite (D w W).
  exact (proj2 (norm_ok _ no_gram_good) _ _ N w).
Qed.
Definition by_mean (G : gram_fun) (a : nat) (w : word) (b : nat) : option pe :=
  match centre b with Some (t, l) => if known_at t a w then through G a w l else None | None => None end.
Lemma by_mean_ok G : good G -> good (by_mean G).
Proof.
  intros HG a w b p; unfold by_mean; destruct (centre b) as [[t l] |] eqn:C; [| discriminate].
  destruct (known_at t a w) eqn:K; [| discriminate]; intro E; destruct (known_at_ok _ _ _ K) as [N I].
  rewrite (through_ok _ _ _ _ _ HG N E), <- (centre_ok _ _ _ C).
  - rewrite app_self by (now apply known_rev); now rewrite rev_involutive.
  - apply I; intros k J; now apply in_rev.
Qed.
Fixpoint gram (fuel : nat) : gram_fun := fun a w b =>
  match fuel with
  | O => None
  | S n => match by_mean (gram n) a w b with
           | Some p => Some p
           | None => match by_mean (gram n) b (rev w) a with Some p => Some p | None => settled a w b end
           end
  end.
Lemma gram_ok n : good (gram n).
Proof.
  induction n as [| n IH]; intros a w b p; [discriminate |]; simpl.
  destruct (by_mean (gram n) a w b) eqn:A.
  - intro E; injection E as <-; exact (by_mean_ok _ IH _ _ _ _ A).
  - destruct (by_mean (gram n) b (rev w) a) eqn:B; [| apply settled_ok].
    intro E; injection E as <-; rewrite (by_mean_ok _ IH _ _ _ _ B).
    assert (K : forallb known_op (rev w) = true).
    { unfold by_mean in B; destruct (centre a) as [[t l] |]; [| discriminate].
      destruct (known_at t b (rev w)) eqn:K; [| discriminate]; apply (known_at_ok _ _ _ K). }
    rewrite dot_sym, app_self by exact K; now rewrite rev_involutive.
Qed.
Definition snorm8 : sx -> option pe := snorm (gram 8).
Definition snorm8_ok : forall e p, snorm8 e = Some p -> pden p = sval e := proj1 (norm_ok _ (gram_ok 8)).

(* -- divisors: the scalar k stands for 1/q; q^e p with e at least the degree of p in k has no k -- *)
Section Clear.
Variables (k : positive) (q : pe).
Fixpoint deg (p : pe) : nat :=
  match p with
  | PEc _ => 0
  | PEX j => if Pos.eqb j k then 1 else 0
  | PEadd a b | PEsub a b => Nat.max (deg a) (deg b)
  | PEmul a b => deg a + deg b
  | PEopp a => deg a
  | PEpow a n => deg a * N.to_nat n
  end.
Definition times_q (p : pe) (e : nat) : pe := match e with O => p | _ => PEmul p (PEpow q (N.of_nat e)) end.
Fixpoint clear (p : pe) (e : nat) : pe :=
  match p with
  | PEc _ => times_q p e
  | PEX j => if Pos.eqb j k then times_q (PEc 1%Z) (e - 1) else times_q p e
  | PEadd a b => PEadd (clear a e) (clear b e)
  | PEsub a b => PEsub (clear a e) (clear b e)
  | PEmul a b => PEmul (clear a (deg a)) (clear b (e - deg a))
  | PEopp a => PEopp (clear a e)
  | PEpow a n => times_q (PEpow (clear a (deg a)) n) (e - deg a * N.to_nat n)
  end.
Hypothesis inverse : pden q * pden (PEX k) = 1.
Lemma times_q_ok p e : pden (times_q p e) = pden q ^ e * pden p.
Proof. destruct e; unfold pden; simpl; [ring |]. rewrite SuccNat2Pos.id_succ; simpl; ring. Qed.
Lemma clear_ok p : forall e, (deg p <= e)%nat -> pden (clear p e) = pden q ^ e * pden p.
Proof.
  induction p as [c | j | a IHa b IHb | a IHa b IHb | a IHa b IHb | a IHa | a IHa n]; intros e L;
    cbn [clear deg] in *.
  - apply times_q_ok.
  - destruct (Pos.eqb j k) eqn:E; [apply Pos.eqb_eq in E; subst | apply times_q_ok].
    rewrite times_q_ok; destruct e as [| e]; [lia |]; replace (S e - 1)%nat with e by lia.
    rewrite <- tech_pow_Rmult. replace (pden q * pden q ^ e * pden (PEX k)) with (pden q ^ e * (pden q * pden (PEX k))) by ring.
    rewrite inverse; unfold pden; simpl; ring.
  - change (pden (PEadd ?x ?y)) with (pden x + pden y); rewrite IHa, IHb by lia; unfold pden; simpl; ring.
  - change (pden (PEsub ?x ?y)) with (pden x - pden y); rewrite IHa, IHb by lia; unfold pden; simpl; ring.
  - change (pden (PEmul (clear a (deg a)) (clear b (e - deg a))))
      with (pden (clear a (deg a)) * pden (clear b (e - deg a))); rewrite IHa, IHb by lia.
    replace (pden q ^ e) with (pden q ^ deg a * pden q ^ (e - deg a)) by (rewrite <- pow_add; f_equal; lia).
    unfold pden; simpl; ring.
  - change (pden (PEopp (clear a e))) with (- pden (clear a e)); rewrite IHa by lia; unfold pden; simpl; ring.
  - rewrite times_q_ok; change (pden (PEpow ?x n)) with (pden x ^ N.to_nat n); rewrite IHa, Rpow_mult_distr, <- pow_mult by lia.
    rewrite <- Rmult_assoc, <- pow_add; f_equal; f_equal; lia.
Qed.
End Clear.
(* -- names: the scalar k stands for p itself -- *)
Fixpoint replaced (k : positive) (q p : pe) : pe :=
  match p with
  | PEc c => PEc c
  | PEX j => if Pos.eqb j k then q else PEX j
  | PEadd a b => PEadd (replaced k q a) (replaced k q b)
  | PEsub a b => PEsub (replaced k q a) (replaced k q b)
  | PEmul a b => PEmul (replaced k q a) (replaced k q b)
  | PEopp a => PEopp (replaced k q a)
  | PEpow a n => PEpow (replaced k q a) n
  end.
Lemma replaced_ok k q p : pden (PEX k) = pden q -> pden (replaced k q p) = pden p.
Proof.
  intro E; unfold pden in *; induction p as [c | j | a IHa b IHb | a IHa b IHb | a IHa b IHb | a IHa | a IHa n]; simpl in *; try congruence.
  destruct (Pos.eqb_spec j k); [subst; now rewrite <- E | reflexivity].
Qed.
(* true: k is 1/q; false: k is q *)
Definition name : Type := bool * nat * pe.
Fixpoint cleared (inv : list name) (p : pe) : pe :=
  match inv with
  | [] => p
  | (true, k, q) :: rest => let key := scalar_key k in cleared rest (clear key q p (deg key p))
  | (false, k, q) :: rest => cleared rest (replaced (scalar_key k) q p)
  end.
Fixpoint inverses (inv : list name) : Prop :=
  match inv with
  | [] => True
  | (b, k, q) :: rest => (if b then pden q * sat k = 1 else sat k = pden q) /\ inverses rest
  end.
Lemma cleared_ok inv p : inverses inv -> pden (cleared inv p) = 0 -> pden p = 0.
Proof.
  revert p; induction inv as [| [[[|] k] q] inv IH]; simpl; intros p I E; [exact E | |].
  2: { destruct I as [I J]; apply IH in E; [| exact J]; rewrite replaced_ok in E; [exact E | now rewrite pden_scalar]. }
  destruct I as [I J]; apply IH in E; [| exact J].
  rewrite (clear_ok (scalar_key k) q) in E; [| now rewrite pden_scalar | lia].
  apply Rmult_integral in E; destruct E as [E | E]; [exfalso | exact E].
  assert (N : pden q <> 0) by (intro Z; rewrite Z in I; lra).
  exact (pow_nonzero _ _ N E).
Qed.

(* -- sums over one index, by monomials in the entries of arrays -- *)
Variables (szs : list nat) (arrs : list (nat -> R)) (ex : ((nat -> R) -> R) -> R) (law : option (nat * sx)).
Definition size (s : nat) : nat := nth s szs O.
Definition point (t : R) (j : nat) : list R := t :: map (fun a => a j) arrs.
Definition at_point (t : R) (j : nat) (b : sx) : R := sden (point t j ++ sc) ats ops b.
Fixpoint tden (u : nat -> R) (t : tx) : R :=
  match t with
  | TC e => sval e
  | TSum s b => sum (size s) (fun j => at_point (u j) j b)
  | TAdd a b => tden u a + tden u b
  | TSub a b => tden u a - tden u b
  | TMulL e a => sval e * tden u a
  | TMulR a e => tden u a * sval e
  end.
Definition lawful : Prop :=
  match law with Some (s, p) => inclusion (size s) (fun j => at_point 0 j p) ex | None => True end.
Hypothesis Hlaw : lawful.

Definition lin : Type := list (pe * list nat).
Definition width : nat := S (length arrs).
Fixpoint mono (v : list R) (m : list nat) : R :=
  match m with [] => 1 | [a] => nth a v 0 | a :: rest => nth a v 0 * mono v rest end.
Lemma mono_cons v a m : mono v (a :: m) = nth a v 0 * mono v m.
Proof. destruct m; simpl; ring. Qed.
Fixpoint lval (v : list R) (l : lin) : R :=
  match l with [] => 0 | (c, m) :: rest => pden c * mono v m + lval v rest end.
Fixpoint insert (a : nat) (m : list nat) : list nat :=
  match m with [] => [a] | b :: rest => if Nat.leb a b then a :: m else b :: insert a rest end.
Lemma insert_ok v a m : mono v (insert a m) = nth a v 0 * mono v m.
Proof.
  induction m as [| b m IH]; [simpl; ring |]; simpl insert; destruct (Nat.leb a b); [apply mono_cons |].
  rewrite !mono_cons, IH; ring.
Qed.
Definition merged (m k : list nat) : list nat := fold_right insert k m.
Lemma merged_ok v m k : mono v (merged m k) = mono v m * mono v k.
Proof. induction m as [| a m IH]; [simpl; ring |]; simpl merged; rewrite insert_ok, IH, mono_cons; ring. Qed.
Definition lneg (l : lin) : lin := map (fun '(c, m) => (PEopp c, m)) l.
Definition lmul1 (c : pe) (m : list nat) (l : lin) : lin := map (fun '(d, k) => (PEmul c d, merged m k)) l.
Definition lmul (l r : lin) : lin := flat_map (fun '(c, m) => lmul1 c m r) l.
Lemma lval_app v l r : lval v (l ++ r) = lval v l + lval v r.
Proof. induction l as [| [c m] l IH]; simpl; [ring | rewrite IH; ring]. Qed.
Lemma lneg_ok v l : lval v (lneg l) = - lval v l.
Proof. induction l as [| [c m] l IH]; simpl; [ring | rewrite IH; unfold pden; simpl; ring]. Qed.
Lemma lmul1_ok v c m l : lval v (lmul1 c m l) = pden c * mono v m * lval v l.
Proof. induction l as [| [d k] l IH]; simpl; [ring | rewrite IH, merged_ok; unfold pden; simpl; ring]. Qed.
Lemma lmul_ok v l r : lval v (lmul l r) = lval v l * lval v r.
Proof. induction l as [| [c m] l IH]; simpl; [ring | rewrite lval_app, lmul1_ok, IH; ring]. Qed.
Fixpoint lpow (l : lin) (n : nat) : lin := match n with O => [(PEc 1%Z, [])] | S k => lmul l (lpow l k) end.
Lemma lpow_ok v l n : lval v (lpow l n) = lval v l ^ n.
Proof. induction n as [| n IH]; cbn [lpow pow]; [| now rewrite lmul_ok, IH].
  change (pden (PEc 1%Z) * 1 + 0 = 1); unfold pden; simpl; ring. Qed.
Fixpoint linear (e : sx) : option lin :=
  match e with
  | SC z => Some [(PEc z, [])]
  | SV i => Some (if Nat.ltb i width then [(PEc 1%Z, [i])] else [(PEX (scalar_key (i - width)), [])])
  | SAdd a b => both (@List.app _) (linear a) (linear b)
  | SSub a b => both (fun l r => l ++ lneg r) (linear a) (linear b)
  | SMul a b => both lmul (linear a) (linear b)
  | SNeg a => match linear a with Some l => Some (lneg l) | None => None end
  | SPow a n => match linear a with Some l => Some (lpow l n) | None => None end
  | SDot _ _ | SSq _ => None
  end.
Lemma linear_ok t j e : forall l, linear e = Some l -> lval (point t j) l = at_point t j e.
Proof.
  assert (W : length (point t j) = width) by (simpl; now rewrite map_length).
  unfold at_point; induction e using sx_both with (P0 := fun _ => True); try exact I; simpl; intros l E; try discriminate.
  - injection E as <-; change (pden (PEc z) * 1 + 0 = IZR z); unfold pden; simpl; ring.
  - injection E as <-; unfold sv; destruct (Nat.ltb_spec i width) as [L | L].
    + change (lval (point t j) [(PEc 1%Z, [i])]) with (IZR 1 * nth i (point t j) 0 + 0).
      change (t :: map (fun a => a j) arrs ++ sc) with (point t j ++ sc); rewrite app_nth1 by lia; ring.
    + change (lval (point t j) [(PEX (scalar_key (i - width)), [])]) with (pden (PEX (scalar_key (i - width))) * 1 + 0).
      change (t :: map (fun a => a j) arrs ++ sc) with (point t j ++ sc); rewrite app_nth2, W, pden_scalar by lia; unfold sv; ring.
  - destruct (linear e1); [| discriminate]; destruct (linear e2); [| discriminate]; injection E as <-.
    now rewrite lval_app, (IHe1 _ eq_refl), (IHe2 _ eq_refl).
  - destruct (linear e1); [| discriminate]; destruct (linear e2); [| discriminate]; injection E as <-.
    rewrite lval_app, lneg_ok, (IHe1 _ eq_refl), (IHe2 _ eq_refl); unfold Rminus; reflexivity.
  - destruct (linear e1); [| discriminate]; destruct (linear e2); [| discriminate]; injection E as <-.
    now rewrite lmul_ok, (IHe1 _ eq_refl), (IHe2 _ eq_refl).
  - destruct (linear e); [injection E as <- | discriminate]; now rewrite lneg_ok, (IHe _ eq_refl).
  - destruct (linear e); [injection E as <- | discriminate]; now rewrite lpow_ok, (IHe _ eq_refl).
Qed.

(* The sums of monomials that occur are scalars: (sort, monomial, which scalar); of no factor it is the size. *)
Definition sums_table : Type := list (nat * list nat * nat).
Variable sums : sums_table.
Fixpoint sums_named (l : sums_table) : Prop :=
  match l with
  | [] => True
  | (s, m, i) :: rest =>
    match m with [] => sat i = INR (size s) | _ => sat i = sum (size s) (fun j => mono (point 0 j) m) end /\ sums_named rest
  end.
Hypothesis Hsums : sums_named sums.
Fixpoint sum_at (s : nat) (m : list nat) (l : sums_table) : option pe :=
  match l with
  | [] => None
  | (r, k, i) :: rest => if Nat.eqb r s && word_eqb k m then Some (PEX (scalar_key i)) else sum_at s m rest
  end.
Lemma sum_at_ok s m l p : sums_named l -> sum_at s m l = Some p -> pden p = sum (size s) (fun j => mono (point 0 j) m).
Proof.
  induction l as [| [[r k] i] l IH]; simpl; intros N E; [discriminate |]; destruct N as [N M].
  destruct (Nat.eqb r s && word_eqb k m) eqn:T; [| exact (IH M E)]; injection E as <-.
  apply andb_prop in T; destruct T as [T T1]; apply Nat.eqb_eq in T; unfold word_eqb in T1.
  destruct (list_eq_dec Nat.eq_dec k m); [subst | discriminate]; rewrite pden_scalar; destruct m; [| exact N].
  rewrite N; simpl mono; rewrite sum_const; ring.
Qed.
Fixpoint total (s : nat) (l : lin) : option pe :=
  match l with
  | [] => Some (PEc 0%Z)
  | (c, m) :: rest => both (fun x y => PEadd (PEmul c x) y) (sum_at s m sums) (total s rest)
  end.
Lemma total_ok s l : forall p, total s l = Some p -> pden p = sum (size s) (fun j => lval (point 0 j) l).
Proof.
  induction l as [| [c m] l IH]; simpl; intros p E.
  - injection E as <-; symmetry; apply sum_zero.
  - destruct (sum_at s m sums) eqn:A; [| discriminate]; destruct (total s l); [| discriminate]; injection E as <-.
    apply sum_at_ok in A; [| exact Hsums]; unfold pden in *; simpl.
    rewrite sum_add, sum_scal, A, (IH _ eq_refl); reflexivity.
Qed.
(* the indicator is 1 or 0 *)
Fixpoint set_u (z : Z) (e : sx) : sx :=
  match e with
  | SV O => SC z
  | SAdd a b => SAdd (set_u z a) (set_u z b)
  | SSub a b => SSub (set_u z a) (set_u z b)
  | SMul a b => SMul (set_u z a) (set_u z b)
  | SNeg a => SNeg (set_u z a)
  | SPow a n => SPow (set_u z a) n
  | e => e
  end.
Fixpoint plain (e : sx) : bool :=
  match e with
  | SC _ | SV _ => true
  | SAdd a b | SSub a b | SMul a b => plain a && plain b
  | SNeg a | SPow a _ => plain a
  | _ => false
  end.
Lemma set_u_ok t z j e : plain e = true -> at_point t j (set_u z e) = at_point (IZR z) j e.
Proof.
  unfold at_point; induction e using sx_both with (P0 := fun _ => True); try exact I; cbn [set_u plain sden] in *; intro A; try discriminate;
    try (apply andb_prop in A; destruct A as [A B]); try reflexivity; try (rewrite IHe1, IHe2 by assumption; reflexivity);
    try (rewrite IHe by assumption; reflexivity).
  destruct i; reflexivity.
Qed.
Definition same_u (e : sx) : bool := sx_eqb (set_u 0 e) e.
Definition mixed (p b : sx) : sx := SAdd (SMul p (set_u 1 b)) (SMul (SSub (SC 1) p) (set_u 0 b)).
(* the expectation's body at one index *)
Definition body (s : nat) (b : sx) : option sx :=
  if plain b then
    if same_u b then Some b
    else match law with Some (r, p) => if Nat.eqb r s then Some (mixed p b) else None | None => None end
  else None.
Section Expect.
Variable expect : bool.
Fixpoint tnorm (t : tx) : option pe :=
  match t with
  | TC e => snorm8 e
  | TSum s b =>
    match (if expect then body s b else if same_u b && plain b then Some b else None) with
    | Some c => match linear c with Some l => total s l | None => None end
    | None => None
    end
  | TAdd a b => both PEadd (tnorm a) (tnorm b)
  | TSub a b => both PEsub (tnorm a) (tnorm b)
  | TMulL e a => both PEmul (snorm8 e) (tnorm a)
  | TMulR a e => both PEmul (tnorm a) (snorm8 e)
  end.
End Expect.
Lemma sum_linear s c l p : linear c = Some l -> total s l = Some p -> pden p = sum (size s) (fun j => at_point 0 j c).
Proof. intros A B; rewrite (total_ok _ _ _ B); apply sum_ext; intros j _; exact (linear_ok 0 j c l A). Qed.
Lemma tnorm_ok t : forall p, tnorm false t = Some p -> pden p = tden (fun _ => 0) t.
Proof.
  induction t; simpl; intros p E; repeat match type of E with both _ ?a ?b = _ => destruct a eqn:?; [| discriminate E]; destruct b eqn:?; [| discriminate E]; injection E as <- end.
  - exact (snorm8_ok _ _ E).
  - destruct (same_u b && plain b); [| discriminate]; destruct (linear b) eqn:L; [| discriminate]; exact (sum_linear _ _ _ _ L E).
  - unfold pden in *; simpl; now rewrite (IHt1 _ eq_refl), (IHt2 _ eq_refl).
  - unfold pden in *; simpl; now rewrite (IHt1 _ eq_refl), (IHt2 _ eq_refl).
  - unfold pden in *; simpl; rewrite (IHt _ eq_refl); f_equal; now apply snorm8_ok.
  - unfold pden in *; simpl; rewrite (IHt _ eq_refl); f_equal; now apply snorm8_ok.
Qed.
Lemma expect_const s p c : inclusion s p ex -> ex (fun _ => c) = c.
Proof. intros (_ & S & X & O & _); transitivity (ex (fun _ => c * 1)); [apply X; intro; ring | rewrite S, O; ring]. Qed.
Lemma expect_sum s p n f : inclusion s p ex -> ex (fun u => sum n (f u)) = sum n (fun j => ex (fun u => f u j)).
Proof.
  intro I; pose proof I as (A & _); induction n as [| n IH]; simpl; [exact (expect_const _ _ 0 I) |].
  now rewrite (A (fun u => sum n (f u)) (fun u => f u n)), IH.
Qed.
Lemma tnorm_expect t : law <> None -> forall p, tnorm true t = Some p -> pden p = ex (fun u => tden u t).
Proof.
  unfold lawful in Hlaw; destruct law as [[s0 p0] |] eqn:L; [| congruence]; intros _.
  pose proof Hlaw as (A & S & X & O & M).
  induction t; simpl; intros p E; repeat match type of E with both _ ?a ?b = _ => destruct a eqn:?; [| discriminate E]; destruct b eqn:?; [| discriminate E]; injection E as <- end.
  - rewrite (expect_const _ _ (sval e) Hlaw); exact (snorm8_ok _ _ E).
  - rewrite (expect_sum _ _ _ (fun u j => at_point (u j) j b) Hlaw).
    destruct (body s b) as [c |] eqn:B; [| discriminate]; destruct (linear c) eqn:N; [| discriminate].
    rewrite (sum_linear _ _ _ _ N E); apply sum_ext; intros j J; unfold body in B; rewrite L in B.
    destruct (plain b) eqn:Pl; [| discriminate]; destruct (same_u b) eqn:U.
    + injection B as <-; unfold same_u in U; apply sx_eqb_eq in U; rewrite <- U.
      rewrite (X _ (fun _ => at_point 0 j (set_u 0 b))); [rewrite (expect_const _ _ _ Hlaw); reflexivity |].
      intro u; rewrite U; rewrite <- U at 1; rewrite set_u_ok by exact Pl; now rewrite <- (set_u_ok 0 0 j b Pl), U.
    + destruct (Nat.eqb_spec s0 s) as [-> | _]; [injection B as <- | discriminate].
      rewrite (M j (fun t => at_point t j b) J); unfold mixed.
      change (at_point 0 j (SAdd ?x ?y)) with (at_point 0 j x + at_point 0 j y).
      change (at_point 0 j (SMul p0 ?x)) with (at_point 0 j p0 * at_point 0 j x).
      change (at_point 0 j (SMul (SSub (SC 1) p0) ?x)) with ((1 - at_point 0 j p0) * at_point 0 j x).
      now rewrite !set_u_ok.
  - rewrite A; unfold pden in *; simpl; now rewrite (IHt1 _ eq_refl), (IHt2 _ eq_refl).
  - rewrite (X _ (fun u => tden u t1 + -1 * tden u t2)) by (intro; ring); rewrite A, S.
    unfold pden in *; simpl; rewrite (IHt1 _ eq_refl), (IHt2 _ eq_refl); ring.
  - rewrite S; unfold pden in *; simpl; rewrite (IHt _ eq_refl); f_equal; now apply snorm8_ok.
  - rewrite (X _ (fun u => sval e * tden u t)) by (intro; ring); rewrite S; unfold pden in *; simpl; rewrite (IHt _ eq_refl), Rmult_comm; f_equal; now apply snorm8_ok.
Qed.

(* ---- 5. signs and scripts ------------------------------------------------------------------------------------ *)

(* 2: positive, 1: nonnegative, 0: not shown. *)
Definition listed (e : sx) (r : rel) : nat :=
  match r with
  | Rel KLt (SC 0%Z) b => if sx_eqb e b then 2 else 0
  | Rel KLe (SC 0%Z) b => if sx_eqb e b then 1 else 0
  | _ => 0
  end.
Fixpoint look (facts : list rel) (e : sx) : nat :=
  match facts with [] => 0 | r :: rest => Nat.max (listed e r) (look rest e) end.
Fixpoint sgn (facts : list rel) (e : sx) : nat :=
  let structure :=
    match e with
    | SC z => if Z.ltb 0 z then 2 else if Z.eqb 0 z then 1 else 0
    | SAdd a b => let x := sgn facts a in let y := sgn facts b in
                  if Nat.eqb x 0 || Nat.eqb y 0 then 0 else Nat.max x y
    | SMul a b => Nat.min (sgn facts a) (sgn facts b)
    | SPow a n => Nat.max (sgn facts a) (if Nat.even n then 1 else 0)
    | SSq _ => 1
    | _ => 0
    end%nat in
  Nat.max structure (look facts e).
Definition signed (n : nat) (x : R) : Prop := ((1 <= n)%nat -> 0 <= x) /\ ((2 <= n)%nat -> 0 < x).
Lemma signed_max n m x : signed n x -> signed m x -> signed (Nat.max n m) x.
Proof. intros [A B] [C D]; split; intro L; destruct (Nat.max_spec n m) as [[_ E] | [_ E]]; rewrite E in L; auto. Qed.
Lemma look_ok facts e : all_hold facts -> signed (look facts e) (sval e).
Proof.
  induction facts as [| [k a b] facts IH]; simpl; intros A; [split; intro; lia |].
  apply signed_max; [| now apply IH]; clear IH; destruct A as [A _].
  destruct k, a as [[| |] | | | | | | | |]; simpl in *; try (split; intro; lia);
    destruct (sx_eqb e b) eqn:E; try (split; intro; lia); apply sx_eqb_eq in E; subst; split; intro L; lra || lia.
Qed.
Lemma even_pow_pos x n : Nat.even n = true -> 0 <= x ^ n.
Proof.
  intro E; apply Nat.even_spec in E; destruct E as [m ->]; rewrite pow_mult; apply pow_le, pow2_ge_0.
Qed.
Lemma sgn_ok facts : all_hold facts -> forall e, signed (sgn facts e) (sval e).
Proof.
  intros A e; induction e using sx_both with (P0 := fun _ => True); try exact I;
    try (cbn [sgn sden]; apply signed_max; [| now apply look_ok]).
  - destruct (Z.ltb_spec 0 z); [split; intro; [left |]; now apply IZR_lt |].
    destruct (Z.eqb_spec 0 z); [subst; split; intro; [apply Rle_refl | lia] | split; intro; lia].
  - split; intro; lia.
  - destruct IHe1 as [X1 X2], IHe2 as [Y1 Y2].
    destruct (sgn facts e1) as [| [| x]], (sgn facts e2) as [| [| y]]; simpl; split; intro L; try lia;
      repeat match goal with
      | H : (1 <= S _)%nat -> _ |- _ => specialize (H ltac:(lia))
      | H : (2 <= S (S _))%nat -> _ |- _ => specialize (H ltac:(lia))
      end; lra.
  - split; intro; lia.
  - destruct IHe1 as [X1 X2], IHe2 as [Y1 Y2]; split; intro L.
    + apply Rmult_le_pos; [apply X1 | apply Y1]; lia.
    + apply Rmult_lt_0_compat; [apply X2 | apply Y2]; lia.
  - split; intro; lia.
  - apply signed_max.
    + destruct IHe as [X1 X2]; split; intro L; [apply pow_le; auto | apply pow_lt; auto].
    + destruct (Nat.even n) eqn:E; split; intro L; try lia; now apply even_pow_pos.
  - split; intro; lia.
  - split; intro; [apply dot_pos | lia].
Qed.

(* An item names a divisor, shown positive, or the value of a sum or of an expectation, or a size; or it shows a relation:
   b - a = sum m (slack of a known one) + sum of terms. *)
Inductive item :=
| Inv (k : nat) (q : sx) | Let (k : nat) (t : tx) | LetE (k : nat) (t : tx) | Size (k : nat) (e : sx)
| Step (r : rel) (uses : list (nat * sx)) (terms : list sx).
Definition slack (r : rel) : sx := let '(Rel _ a b) := r in SSub b a.
Definition is_eq (r : rel) : bool := match r with Rel KEq _ _ => true | _ => false end.
Definition is_lt (r : rel) : bool := match r with Rel KLt _ _ => true | _ => false end.
(* (what is left, all of it is shown nonnegative, some of it is positive, all of it is zero) *)
Fixpoint sum_uses (facts : list rel) (uses : list (nat * sx)) (rest : sx * bool * bool * bool) : option (sx * bool * bool * bool) :=
  match uses with
  | [] => Some rest
  | (n, m) :: more =>
    match nth_error facts n, sum_uses facts more rest with
    | Some r, Some (e, ok, strict, equal) =>
      let s := if is_eq r then 0%nat else sgn facts m in
      Some (SAdd (SMul m (slack r)) e, ok && (is_eq r || Nat.leb 1 s), strict || (is_lt r && Nat.leb 2 s), equal && is_eq r)
    | _, _ => None
    end
  end.
Fixpoint sum_terms (facts : list rel) (terms : list sx) : sx * bool * bool * bool :=
  match terms with
  | [] => (SC 0, true, false, true)
  | t :: more =>
    let '(e, ok, strict, equal) := sum_terms facts more in
    let s := sgn facts t in (SAdd t e, ok && Nat.leb 1 s, strict || Nat.leb 2 s, false)
  end.
Local Arguments Nat.leb : simpl never.
Definition fine (x : sx * bool * bool * bool) : Prop :=
  let '(e, ok, strict, equal) := x in
  (ok = true -> 0 <= sval e) /\ (ok = true -> strict = true -> 0 < sval e) /\ (equal = true -> sval e = 0).
Lemma sum_terms_ok facts terms : all_hold facts -> fine (sum_terms facts terms).
Proof.
  intro A; induction terms as [| t terms IH]; simpl; [repeat split; intros; try discriminate; lra |].
  destruct (sum_terms facts terms) as [[[e ok] strict] equal]; destruct IH as (I1 & I2 & _), (sgn_ok _ A t) as [X1 X2].
  cbn [fine sden] in *; repeat split; intros; try discriminate.
  - apply andb_prop in H0; destruct H0 as [H0 T]; apply Nat.leb_le in T; specialize (I1 H0); specialize (X1 T); lra.
  - apply andb_prop in H0; destruct H0 as [H0 T]; apply Nat.leb_le in T; specialize (I1 H0); specialize (X1 T).
    apply orb_prop in H1; destruct H1 as [H1 | H1]; [specialize (I2 H0 H1); lra | apply Nat.leb_le in H1; specialize (X2 H1); lra].
Qed.
Lemma all_hold_nth facts n r : all_hold facts -> nth_error facts n = Some r -> rden r.
Proof.
  revert n; induction facts as [| s facts IH]; intros [| n] A E; simpl in *; try discriminate; destruct A as [A B].
  - injection E as <-; exact A.
  - exact (IH _ B E).
Qed.
Lemma sum_uses_ok facts uses rest x : all_hold facts -> fine rest -> sum_uses facts uses rest = Some x -> fine x.
Proof.
  intros A R; revert x; induction uses as [| [n m] uses IH]; simpl; intros x E; [injection E as <-; exact R |].
  destruct (nth_error facts n) as [r |] eqn:N; [| discriminate].
  destruct (sum_uses facts uses rest) as [[[[e ok] strict] equal] |]; [| discriminate]; injection E as <-.
  specialize (IH _ eq_refl); destruct IH as (I1 & I2 & I3), (sgn_ok _ A m) as [X1 X2].
  apply (all_hold_nth _ _ _ A) in N; destruct r as [k a b]; cbn [fine sden slack] in *; destruct k; simpl in *; repeat split; intros;
    repeat match goal with E : _ && _ = true |- _ => apply andb_prop in E; destruct E end; try discriminate;
    repeat match goal with E : Nat.leb _ _ = true |- _ => apply Nat.leb_le in E end.
  all: repeat match goal with H : ?x = true -> _, E : ?x = true |- _ => specialize (H E) end.
  all: try (assert (S1 : 0 <= sval m) by (apply X1; assumption)).
  - assert (0 <= sval m * (sval b - sval a)) by (apply Rmult_le_pos; lra); lra.
  - rewrite orb_false_r in *; assert (0 <= sval m * (sval b - sval a)) by (apply Rmult_le_pos; lra); specialize (I2 H1); lra.
  - assert (0 <= sval m * (sval b - sval a)) by (apply Rmult_le_pos; lra); lra.
  - assert (0 <= sval m * (sval b - sval a)) by (apply Rmult_le_pos; lra).
    match goal with Q : _ || _ = true |- _ => destruct (orb_prop _ _ Q) as [Y | Y] end; [specialize (I2 Y); lra |].
    assert (0 < sval m) by (apply X2, Nat.leb_le, Y).
    assert (0 < sval m * (sval b - sval a)) by (apply Rmult_lt_0_compat; lra); lra.
  - rewrite N; replace (sval b - sval b) with 0 by ring; lra.
  - rewrite orb_false_r in *; specialize (I2 H1); rewrite N; replace (sval b - sval b) with 0 by ring; lra.
  - rewrite N, I3; ring.
Qed.
Definition shown (inv : list name) (facts : list rel) (r : rel) (uses : list (nat * sx)) (terms : list sx) : bool :=
  let '(Rel k a b) := r in
  match sum_uses facts uses (sum_terms facts terms) with
  | Some (e, ok, strict, equal) =>
    match k with KLe => ok | KLt => ok && strict | KEq => equal end
    && match snorm8 (SSub (SSub b a) e) with Some p => is_zero (cleared inv p) | None => false end
  | None => false
  end.
Lemma shown_ok inv facts r uses terms : inverses inv -> all_hold facts -> shown inv facts r uses terms = true -> rden r.
Proof.
  intros I A; destruct r as [k a b]; unfold shown.
  destruct (sum_uses facts uses (sum_terms facts terms)) as [[[[e ok] strict] equal] |] eqn:U; [| discriminate].
  apply sum_uses_ok in U; [| exact A | now apply sum_terms_ok]; destruct U as (U1 & U2 & U3); intro E.
  apply andb_prop in E; destruct E as [E Z].
  destruct (snorm8 (SSub (SSub b a) e)) eqn:N; [| discriminate]; apply is_zero_ok in Z; apply cleared_ok in Z; [| exact I].
  rewrite (snorm8_ok _ _ N) in Z; cbn [sden] in Z.
  destruct k; simpl.
  - specialize (U1 E); lra.
  - apply andb_prop in E; destruct E as [E0 E1]; specialize (U2 E0 E1); lra.
  - specialize (U3 E); lra.
Qed.
Fixpoint run (inv : list name) (facts : list rel) (items : list item) : option (list rel) :=
  match items with
  | [] => Some facts
  | Inv k q :: rest =>
    match snorm8 q with
    | Some p => if Nat.eqb (sgn facts q) 2 then run ((true, k, p) :: inv) (facts ++ [Rel KLt (SC 0) (SV k)]) rest else None
    | None => None
    end
  | Let k t :: rest => match tnorm false t with Some p => run ((false, k, p) :: inv) facts rest | None => None end
  | LetE k t :: rest =>
    match law, tnorm true t with Some _, Some p => run ((false, k, p) :: inv) facts rest | _, _ => None end
  | Size k e :: rest => match snorm8 e with Some p => run ((false, k, p) :: inv) facts rest | None => None end
  | Step r uses terms :: rest => if shown inv facts r uses terms then run inv (facts ++ [r]) rest else None
  end.
Fixpoint inverses_named (items : list item) : Prop :=
  match items with
  | [] => True
  | Inv k q :: rest => sat k = / sval q /\ inverses_named rest
  | Let k t :: rest => sat k = tden (fun _ => 0) t /\ inverses_named rest
  | LetE k t :: rest => sat k = ex (fun u => tden u t) /\ inverses_named rest
  | Size k e :: rest => sat k = sval e /\ inverses_named rest
  | Step _ _ _ :: rest => inverses_named rest
  end.
Lemma all_hold_app l r : all_hold l -> rden r -> all_hold (l ++ [r]).
Proof. induction l; simpl; intuition. Qed.
Lemma run_ok items : forall inv facts out, inverses inv -> all_hold facts -> inverses_named items -> run inv facts items = Some out -> all_hold out.
Proof.
  induction items as [| [k q | k t | k t | k e | r uses terms] items IH]; simpl; intros inv facts out I A N E.
  - injection E as <-; exact A.
  - destruct N as [N M]; destruct (snorm8 q) eqn:S; [| discriminate]; destruct (Nat.eqb (sgn facts q) 2) eqn:T; [| discriminate].
    apply Nat.eqb_eq in T; destruct (sgn_ok _ A q) as [_ B]; rewrite T in B; specialize (B ltac:(lia)).
    apply (IH _ _ _) in E; [exact E | split; [| exact I] | apply all_hold_app; [exact A |] | exact M].
    + rewrite (snorm8_ok _ _ S), N; apply Rinv_r; lra.
    + simpl; rewrite N; now apply Rinv_0_lt_compat.
  - destruct N as [N M]; destruct (tnorm false t) eqn:S; [| discriminate].
    apply (IH _ _ _) in E; [exact E | split; [rewrite N; symmetry; exact (tnorm_ok _ _ S) | exact I] | exact A | exact M].
  - destruct N as [N M]; destruct law eqn:L; [| discriminate]; destruct (tnorm true t) eqn:S; [| discriminate].
    apply (IH _ _ _) in E; [exact E | split; [| exact I] | exact A | exact M].
    rewrite N; symmetry; apply tnorm_expect; [congruence | exact S].
  - destruct N as [N M]; destruct (snorm8 e) eqn:S; [| discriminate].
    apply (IH _ _ _) in E; [exact E | split; [rewrite N; symmetry; exact (snorm8_ok _ _ S) | exact I] | exact A | exact M].
  - destruct (shown inv facts r uses terms) eqn:S; [| discriminate].
    apply (IH _ _ _) in E; [exact E | exact I | apply all_hold_app; [exact A |] | exact N].
    exact (shown_ok _ _ _ _ _ I A S).
Qed.
Definition check (facts : list rel) (items : list item) (claims : list rel) : bool :=
  match run [] facts items with Some out => forallb (fun c => existsb (rel_eqb c) out) claims | None => false end.
End Deep.

(* What every theorem's file applies: a script that checks proves its claims from the declarations and hypotheses. *)
Theorem checked_sums {H : Space} sc ats ops szs arrs ex infos opinfos table law sums facts items claims :
  check infos opinfos table arrs law sums facts items claims = true ->
  declared sc ats ops 0 infos -> operators ops 1 opinfos -> lawful sc ats ops szs arrs ex law ->
  sums_named sc szs arrs sums -> inverses_named sc ats ops szs arrs ex items -> all_hold sc ats ops facts ->
  claims_hold sc ats ops claims.
Proof.
  unfold check; intros C D O W S N A.
  destruct (run infos opinfos table arrs law sums [] facts items) as [out |] eqn:E; [| discriminate].
  pose proof (run_ok sc ats ops infos opinfos table D O szs arrs ex law W sums S items [] facts out I A N E) as B.
  assert (K : forall c, In c claims -> rden sc ats ops c).
  { intros c J; rewrite forallb_forall in C; specialize (C c J); apply existsb_exists in C; destruct C as (r & Q & T).
    apply rel_eqb_eq in T; subst r; clear -B Q.
    induction out as [| s out IH]; simpl in *; [contradiction | destruct B, Q; [now subst | now apply IH]]. }
  clear -K; induction claims as [| c [| d l] IH]; simpl in *; [exact I | apply K; now left |].
  split; [apply K; now left | apply IH; intros; apply K; now right].
Qed.
(* without sums *)
Definition nowhere (f : (nat -> R) -> R) : R := f (fun _ => 0).
Theorem checked {H : Space} sc ats ops infos opinfos table facts items claims :
  check infos opinfos table [] None [] facts items claims = true ->
  declared sc ats ops 0 infos -> operators ops 1 opinfos -> inverses_named sc ats ops [] [] nowhere items ->
  all_hold sc ats ops facts -> claims_hold sc ats ops claims.
Proof. intros C D O N A; exact (checked_sums sc ats ops [] [] nowhere infos opinfos table None [] facts items claims C D O I I N A). Qed.
Lemma all_hold_split {H : Space} sc ats ops l m : all_hold sc ats ops (l ++ m) -> all_hold sc ats ops l /\ all_hold sc ats ops m.
Proof. induction l as [| r l IH]; simpl; [auto | intros [A B]; destruct (IH B); auto]. Qed.

(* ---- 6. the run lemma ---------------------------------------------------------------------------------------- *)

(* The same space seen from time s: what is known at t there is what is known at s + t here. *)
Definition later {H : Space} (s : nat) : Space.
Proof.
  refine {| V := V; zero := zero; add := add; scal := scal; dot := dot; P := P; F := fun t v => F (s + t) v;
    dot_sym := dot_sym; dot_add_l := dot_add_l; dot_scal_l := dot_scal_l; dot_zero_l := dot_zero_l; dot_pos := dot_pos;
    P_self := P_self; P_idem := P_idem |}; intros t v;
    [rewrite Nat.add_succ_r; exact (F_mono (s + t) v) | exact (F_P (s + t) v)].
Defined.

Lemma sum_first n f : sum (S n) f = f O + sum n (fun t => f (S t)).
Proof. induction n as [| n IH]; [simpl; ring | change (sum (S (S n)) f) with (sum (S n) f + f (S n)); rewrite IH; simpl; ring]. Qed.

(* W decreases by the factor r at every step, up to the noise s, and what it loses beyond that is the gain: k such steps. *)
Theorem iterate (W gain : nat -> R) (r s : R) (k : nat) :
  (forall t, (t < k)%nat -> 0 <= r /\ W (S t) + gain t <= r * W t + s) ->
  W k + sum k (fun t => r ^ (k - 1 - t) * gain t) <= r ^ k * W O + s * sum k (fun t => r ^ t).
Proof.
  induction k as [| k IH]; intro A; [simpl; lra |].
  destruct (A k ltac:(lia)) as [N B]; specialize (IH ltac:(intros t L; apply A; lia)).
  apply (Rmult_le_compat_l r _ _ N) in IH.
  assert (G : sum (S k) (fun t => r ^ (S k - 1 - t) * gain t) = r * sum k (fun t => r ^ (k - 1 - t) * gain t) + gain k).
  { simpl; replace (k - 0 - k)%nat with O by lia; rewrite <- sum_scal; f_equal; [| simpl; ring].
    apply sum_ext; intros t L; replace (k - 0 - t)%nat with (S (k - 1 - t)) by lia; simpl; ring. }
  assert (Q : sum (S k) (fun t => r ^ t) = 1 + r * sum k (fun t => r ^ t)).
  { rewrite sum_first, <- sum_scal; f_equal; now apply sum_ext. }
  rewrite G, Q; simpl (r ^ S k); lra.
Qed.
(* with the factor 1: the gains add up *)
Corollary telescope (W gain : nat -> R) (s : R) (k : nat) :
  (forall t, (t < k)%nat -> W (S t) + gain t <= W t + s) -> W k + sum k gain <= W O + INR k * s.
Proof.
  intro A; assert (B := iterate W gain 1 s k ltac:(intros t L; specialize (A t L); lra)).
  rewrite pow1, (sum_ext k (fun t => 1 ^ t) (fun _ => 1)) in B by (intros; apply pow1); rewrite sum_const in B.
  rewrite (sum_ext k (fun t => 1 ^ (k - 1 - t) * gain t) gain) in B by (intros; rewrite pow1; ring); lra.
Qed.
(* weights: one of k numbers is at most their weighted mean *)
Lemma best (w gain : nat -> R) (k : nat) (b : R) : (0 < k)%nat -> (forall t, (t < k)%nat -> 0 < w t) ->
  sum k (fun t => w t * gain t) <= b -> exists t, (t < k)%nat /\ gain t * sum k w <= b.
Proof.
  revert b; induction k as [| k IH]; intros b K N B; [lia |]; cbn [sum] in B |- *.
  assert (S0 : 0 <= sum k w) by (apply sum_pos; intros t L; left; apply N; lia).
  assert (Wk : 0 < w k) by (apply N; lia).
  destruct k as [| k]; [exists O; split; [lia | cbn [sum] in *; lra] |].
  destruct (IH (b - w (S k) * gain (S k))) as (t & L & T); [lia | intros; apply N; lia | lra |].
  assert (P0 : 0 < sum (S k) w).
  { apply Rlt_le_trans with (w O); [apply N; lia | apply sum_term; [intros; left; apply N; lia | lia]]. }
  destruct (Rle_lt_dec (gain t) (gain (S k))) as [C | C].
  - exists t; split; [lia |]; assert (w (S k) * gain t <= w (S k) * gain (S k)) by (apply Rmult_le_compat_l; lra); lra.
  - exists (S k); split; [lia |].
    assert (sum (S k) w * gain (S k) <= sum (S k) w * gain t) by (apply Rmult_le_compat_l; lra); lra.
Qed.
(* a run of one step *)
Lemma only_first (step : nat) : (step < 1)%nat -> step = O.
Proof. lia. Qed.
