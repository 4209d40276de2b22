(* A model of the space: finitely many outcomes with probabilities, n workers, R^d.

   1. The space of a finite model obeys the laws of Compth.v, with nothing assumed: the theorems hold there.
   2. In it `common` means the same at every worker, `drawn` follows from E[Q | F_t] = v, outcome by outcome.
   3. A checker in rational numbers shows that given vectors and numbers meet all that a theorem assumes. *)

From Coq Require Import Reals Lra Lia List ZArith QArith Qreals Bool PeanoNat.
From Compth Require Import Compth.
Import ListNotations.
Open Scope R_scope.

(* ---- 1. the space of a finite model -------------------------------------------------------------------------- *)

(* cell t w: which outcomes cannot be told apart at time t. *)
Record finite := {
  outcomes : nat; prob : nat -> R; workers : nat; dim : nat; cell : nat -> nat -> nat;
  prob_pos : forall w, (w < outcomes)%nat -> 0 < prob w;
  prob_one : sum outcomes prob = 1;
  workers_pos : (0 < workers)%nat;
  cell_finer : forall t w z, (w < outcomes)%nat -> (z < outcomes)%nat -> cell (S t) w = cell (S t) z -> cell t w = cell t z }.

Section Space.
Variable M : finite.
Definition vec := nat -> nat -> nat -> R. (* outcome, worker, coordinate *)
Definition mean (f : nat -> R) : R := sum (workers M) f / INR (workers M).
Definition inner (a b : vec) : R :=
  sum (outcomes M) (fun w => prob M w * mean (fun i => sum (dim M) (fun c => a w i c * b w i c))).
Definition average (a : vec) : vec := fun w _ c => mean (fun j => a w j c).
Definition measurable (t : nat) (a : vec) : Prop :=
  forall w z, (w < outcomes M)%nat -> (z < outcomes M)%nat -> cell M t w = cell M t z ->
  forall i c, (i < workers M)%nat -> (c < dim M)%nat -> a w i c = a z i c.

Lemma workers_INR : 0 < INR (workers M).
Proof. apply lt_0_INR, workers_pos. Qed.
Lemma mean_ext f g : (forall i, (i < workers M)%nat -> f i = g i) -> mean f = mean g.
Proof. intro E; unfold mean; now rewrite (sum_ext _ f g). Qed.
Lemma mean_const c : mean (fun _ => c) = c.
Proof. unfold mean; rewrite sum_const; field; apply Rgt_not_eq, workers_INR. Qed.
Lemma mean_add f g : mean (fun i => f i + g i) = mean f + mean g.
Proof. unfold mean; rewrite sum_add; field; apply Rgt_not_eq, workers_INR. Qed.
Lemma mean_scal c f : mean (fun i => c * f i) = c * mean f.
Proof. unfold mean; rewrite sum_scal; field; apply Rgt_not_eq, workers_INR. Qed.
Lemma mean_pos f : (forall i, (i < workers M)%nat -> 0 <= f i) -> 0 <= mean f.
Proof. intro A; unfold mean; apply Rmult_le_pos; [now apply sum_pos | left; apply Rinv_0_lt_compat, workers_INR]. Qed.
Lemma inner_ext a b a' b' :
  (forall w i c, (w < outcomes M)%nat -> (i < workers M)%nat -> (c < dim M)%nat -> a w i c * b w i c = a' w i c * b' w i c) ->
  inner a b = inner a' b'.
Proof.
  intro E; apply sum_ext; intros w W; f_equal; apply mean_ext; intros i I; apply sum_ext; intros c C; now apply E.
Qed.
(* <P a, b> = E sum_c mean(a_c) mean(b_c) *)
Lemma inner_average a b :
  inner (average a) b = sum (outcomes M) (fun w => prob M w *
    sum (dim M) (fun c => mean (fun i => a w i c) * mean (fun i => b w i c))).
Proof.
  apply sum_ext; intros w _; f_equal; unfold mean at 1; rewrite sum_swap.
  unfold Rdiv; rewrite Rmult_comm, <- sum_scal; apply sum_ext; intros c _; unfold average.
  rewrite sum_scal; unfold mean, Rdiv; ring.
Qed.
Lemma inner_sym a b : inner a b = inner b a.
Proof. apply inner_ext; intros; ring. Qed.

Lemma space_add a b c : inner (fun w i k => a w i k + b w i k) c = inner a c + inner b c.
Proof.
  unfold inner; rewrite <- sum_add; apply sum_ext; intros w _; rewrite <- Rmult_plus_distr_l, <- mean_add; f_equal.
  apply mean_ext; intros i _; rewrite <- sum_add; apply sum_ext; intros; ring.
Qed.
Lemma space_scal r a c : inner (fun w i k => r * a w i k) c = r * inner a c.
Proof.
  unfold inner; rewrite <- sum_scal; apply sum_ext; intros w _.
  match goal with |- _ = r * (?p * ?m) => replace (r * (p * m)) with (p * (r * m)) by ring end.
  f_equal; rewrite <- mean_scal.
  apply mean_ext; intros i _; rewrite <- sum_scal; apply sum_ext; intros; ring.
Qed.
Lemma space_zero c : inner (fun _ _ _ => 0) c = 0.
Proof.
  apply sum_null; intros w _; rewrite (mean_ext _ (fun _ => 0)), mean_const; [ring |]; intros i _.
  apply sum_null; intros; ring.
Qed.
Lemma space_pos a : 0 <= inner a a.
Proof.
  apply sum_pos; intros w W; apply Rmult_le_pos; [now left; apply prob_pos |].
  apply mean_pos; intros i _; apply sum_pos; intros c _; apply Rle_0_sqr.
Qed.
Lemma space_self a b : inner (average a) b = inner a (average b).
Proof.
  rewrite (inner_sym a), !inner_average; apply sum_ext; intros w _; f_equal; apply sum_ext; intros; ring.
Qed.
Lemma space_idem a b : inner a (average (average b)) = inner a (average b).
Proof.
  apply inner_ext; intros w i c _ _ _; f_equal; unfold average; apply mean_const.
Qed.
Lemma space_mono t v : measurable t v -> measurable (S t) v.
Proof. intros A w z W Z E; apply A; [exact W | exact Z | now apply cell_finer]. Qed.
Lemma space_measurable t v : measurable t v -> measurable t (average v).
Proof. intros A w z W Z E i c I C; apply mean_ext; intros j J; now apply A. Qed.

Definition space : Space := {|
  V := vec; zero := fun _ _ _ => 0; add := fun a b w i c => a w i c + b w i c; scal := fun r a w i c => r * a w i c;
  dot := inner; P := average; F := measurable; dot_sym := inner_sym; dot_add_l := space_add; dot_scal_l := space_scal;
  dot_zero_l := space_zero; dot_pos := space_pos; P_self := space_self; P_idem := space_idem; F_mono := space_mono;
  F_P := space_measurable |}.

(* ---- 2. what common and drawn mean --------------------------------------------------------------------------- *)

Definition same (v : vec) : Prop :=
  forall w i j c, (w < outcomes M)%nat -> (i < workers M)%nat -> (j < workers M)%nat -> (c < dim M)%nat -> v w i c = v w j c.
Lemma same_common v : same v -> @common space v.
Proof.
  intros A a; change (inner a (average v) = inner a v); apply inner_ext; intros w i c W I C; f_equal; unfold average.
  rewrite (mean_ext _ (fun _ => v w i c)); [apply mean_const | intros j J; now apply A].
Qed.

(* 1 where the outcomes w and z cannot be told apart at t *)
Definition together (t w z : nat) : R := if Nat.eqb (cell M t w) (cell M t z) then 1 else 0.
(* E[Q | F_t] = v: over each cell Q and v have the same sum; v itself is known at t *)
Definition conditional (t : nat) (Q v : vec) : Prop :=
  forall z i c, (z < outcomes M)%nat -> (i < workers M)%nat -> (c < dim M)%nat ->
  sum (outcomes M) (fun w => together t w z * (prob M w * Q w i c)) = sum (outcomes M) (fun w => together t w z * (prob M w * v w i c)).
Lemma together_sym t w z : together t w z = together t z w.
Proof. unfold together; now rewrite Nat.eqb_sym. Qed.
Definition mass (t z : nat) : R := sum (outcomes M) (fun w => together t w z * prob M w).
Lemma mass_pos t z : (z < outcomes M)%nat -> 0 < mass t z.
Proof.
  intro Z; apply Rlt_le_trans with (together t z z * prob M z).
  - unfold together; rewrite Nat.eqb_refl, Rmult_1_l; now apply prob_pos.
  - apply (sum_term _ (fun w => together t w z * prob M w)); [| exact Z]; intros w W.
    apply Rmult_le_pos; [unfold together; destruct Nat.eqb; lra | now left; apply prob_pos].
Qed.
Lemma mass_cell t w z : cell M t w = cell M t z -> mass t w = mass t z.
Proof. intro E; apply sum_ext; intros u _; unfold together; now rewrite E. Qed.
(* E[y D] = 0 for y known at t when the sum of D over each cell is 0 *)
Lemma orthogonal t (y D : nat -> R) :
  (forall w z, (w < outcomes M)%nat -> (z < outcomes M)%nat -> cell M t w = cell M t z -> y w = y z) ->
  (forall z, (z < outcomes M)%nat -> sum (outcomes M) (fun w => together t w z * (prob M w * D w)) = 0) ->
  sum (outcomes M) (fun w => prob M w * (y w * D w)) = 0.
Proof.
  intros Y E.
  transitivity (sum (outcomes M) (fun w => sum (outcomes M) (fun z =>
    (prob M z * y z / mass t z) * (together t w z * (prob M w * D w))))).
  - apply sum_ext; intros w W.
    transitivity (prob M w * (y w * D w) / mass t w * sum (outcomes M) (fun z => together t z w * prob M z)).
    + change (sum (outcomes M) (fun z => together t z w * prob M z)) with (mass t w).
      field; apply Rgt_not_eq, mass_pos, W.
    + rewrite <- sum_scal; apply sum_ext; intros z Z; rewrite (together_sym t z w); unfold together.
      destruct (Nat.eqb_spec (cell M t w) (cell M t z)) as [C | _]; [| ring].
      rewrite (Y w z W Z C), (mass_cell t w z C); field; apply Rgt_not_eq, mass_pos, Z.
  - rewrite sum_swap; apply sum_null; intros z Z.
    rewrite sum_scal, E by exact Z; ring.
Qed.
Lemma conditional_drawn t Q v : conditional t Q v -> @drawn space t Q v.
Proof.
  intros A y Y; change (inner y Q = inner y v).
  assert (E : inner y (fun w i c => Q w i c + -1 * v w i c) = 0).
  2: { rewrite inner_sym, space_add, space_scal, (inner_sym Q), (inner_sym v) in E; lra. }
  unfold inner, mean.
  transitivity (sum (outcomes M) (fun w => sum (workers M) (fun i => sum (dim M) (fun c =>
    / INR (workers M) * (prob M w * (y w i c * (Q w i c + -1 * v w i c))))))).
  { apply sum_ext; intros w _.
    match goal with |- ?p * (?s / ?n) = _ => replace (p * (s / n)) with (/ n * p * s) by (unfold Rdiv; ring) end.
    rewrite <- sum_scal; apply sum_ext; intros i _; rewrite <- sum_scal; apply sum_ext; intros; ring. }
  rewrite sum_swap; apply sum_null; intros i I.
  rewrite sum_swap; apply sum_null; intros c C.
  rewrite sum_scal, (orthogonal t (fun w => y w i c)); [ring | |].
  - intros w z W Z T; now apply Y.
  - intros z Z; specialize (A z i c Z I C).
    transitivity (sum (outcomes M) (fun w => together t w z * (prob M w * Q w i c)
      + -1 * (together t w z * (prob M w * v w i c)))); [apply sum_ext; intros; ring |].
    rewrite sum_add, sum_scal, A; ring.
Qed.
End Space.

(* ---- 3. instances in rational numbers ------------------------------------------------------------------------ *)

(* cells: for t = 1, 2, ... the cell of each outcome; at 0 there is one cell, after the last given t each outcome is one. *)
Record rational := { q_prob : list Q; q_workers : nat; q_dim : nat; q_cells : list (list nat) }.
Definition q_cell (m : rational) (t w : nat) : nat :=
  match t with O => O | S k => match nth_error (q_cells m) k with Some l => nth w l O | None => w end end.
Definition below (n : nat) (f : nat -> bool) : bool := forallb f (seq 0 n).
Lemma below_ok n f : below n f = true -> forall i, (i < n)%nat -> f i = true.
Proof. unfold below; rewrite forallb_forall; intros A i L; apply A, in_seq; lia. Qed.
Fixpoint qsum (n : nat) (f : nat -> Q) : Q := match n with O => 0%Q | S k => Qred (qsum k f + f k) end.
Fixpoint qpow (q : Q) (k : nat) : Q := match k with O => 1%Q | S j => Qred (q * qpow q j) end.
Lemma Q2R_red q : Q2R (Qred q) = Q2R q.
Proof. apply Qeq_eqR, Qred_correct. Qed.
Lemma Q2R_zero : Q2R 0 = 0.
Proof. unfold Q2R; simpl; ring. Qed.
Lemma Q2R_one : Q2R 1 = 1.
Proof. unfold Q2R; simpl; field. Qed.
Lemma Q2R_pow q k : Q2R (qpow q k) = Q2R q ^ k.
Proof. induction k as [| k IH]; cbn [qpow pow]; [apply Q2R_one | now rewrite Q2R_red, Q2R_mult, IH]. Qed.
Lemma nth_map_error {A B} (f : A -> B) l i d : nth i (map f l) d = match nth_error l i with Some x => f x | None => d end.
Proof. revert i; induction l as [| x l IH]; intros [| i]; simpl; auto. Qed.
Lemma Q2R_sum n f : Q2R (qsum n f) = sum n (fun i => Q2R (f i)).
Proof. induction n as [| n IH]; cbn [qsum sum]; [unfold Q2R; simpl; ring | now rewrite Q2R_red, Q2R_plus, IH]. Qed.
Lemma Q2R_int z : Q2R (inject_Z z) = IZR z.
Proof. unfold Q2R; simpl; field. Qed.

Definition valid (m : rational) : bool :=
  let n := length (q_prob m) in
  below n (fun w => negb (Qle_bool (nth w (q_prob m) 0%Q) 0)) && Qeq_bool (qsum n (fun w => nth w (q_prob m) 0%Q)) 1
  && Nat.ltb 0 (q_workers m)
  && below (length (q_cells m)) (fun t => below n (fun w => below n (fun z =>
       negb (Nat.eqb (q_cell m (S t) w) (q_cell m (S t) z)) || Nat.eqb (q_cell m t w) (q_cell m t z)))).
Section Valid.
Variable m : rational.
Hypothesis ok : valid m = true.
Let n := length (q_prob m).
Lemma valid_parts :
  (forall w, (w < n)%nat -> 0 < Q2R (nth w (q_prob m) 0%Q)) /\ sum n (fun w => Q2R (nth w (q_prob m) 0%Q)) = 1
  /\ (0 < q_workers m)%nat
  /\ forall t w z, (w < n)%nat -> (z < n)%nat -> q_cell m (S t) w = q_cell m (S t) z -> q_cell m t w = q_cell m t z.
Proof.
  pose proof ok as B; unfold valid in B; fold n in B; repeat (apply andb_prop in B; destruct B as [B ?]); repeat split.
  - intros w W; apply (below_ok _ _ B) in W; apply negb_true_iff in W.
    replace 0 with (Q2R 0) by (unfold Q2R; simpl; ring); apply Qlt_Rlt.
    destruct (Qlt_le_dec 0 (nth w (q_prob m) 0%Q)) as [L | L]; [exact L | apply Qle_bool_iff in L; congruence].
  - rewrite <- Q2R_sum; replace 1 with (Q2R 1) by (unfold Q2R; simpl; field); now apply Qeq_eqR, Qeq_bool_iff.
  - now apply Nat.ltb_lt.
  - intros t w z W Z E; destruct (Nat.lt_ge_cases t (length (q_cells m))) as [L | L].
    + match goal with C : below (length _) _ = true |- _ => apply (below_ok _ _ C) in L end.
      apply (below_ok _ _ L) in W; apply (below_ok _ _ W) in Z; rewrite E, Nat.eqb_refl in Z; now apply Nat.eqb_eq.
    + simpl in E; rewrite (proj2 (nth_error_None _ _) L) in E; now subst.
Qed.
Definition model : finite := {|
  outcomes := n; prob := fun w => Q2R (nth w (q_prob m) 0%Q); workers := q_workers m; dim := q_dim m; cell := q_cell m;
  prob_pos := proj1 valid_parts; prob_one := proj1 (proj2 valid_parts); workers_pos := proj1 (proj2 (proj2 valid_parts));
  cell_finer := proj2 (proj2 (proj2 valid_parts)) |}.

(* -- values, in rational numbers -- *)
Definition qvec := nat -> nat -> nat -> Q.
Definition entries (t : list (list (list Q))) : qvec := fun w i c => nth c (nth i (nth w t []) []) 0%Q.
Definition embed (v : qvec) : vec := fun w i c => Q2R (v w i c).
Definition matrices := list (list (list (list Q))). (* outcome, worker, row, column *)
Definition q_apply (A : matrices) (v : qvec) : qvec := fun w i c =>
  qsum (q_dim m) (fun e => (nth e (nth c (nth i (nth w A []) []) []) 0 * v w i e)%Q).
Definition apply_matrices (A : matrices) (v : vec) : vec := fun w i c =>
  sum (q_dim m) (fun e => Q2R (nth e (nth c (nth i (nth w A []) []) []) 0%Q) * v w i e).

Variables (tables : list (list (list (list Q)))) (mats : list matrices).
Definition ats : list vec := map (fun t => embed (entries t)) tables.
Definition ops : list (vec -> vec) := map apply_matrices mats.
Definition qmean (f : nat -> Q) : Q := Qred (qsum (q_workers m) f / inject_Z (Z.of_nat (q_workers m))).
Definition qaverage (v : qvec) : qvec := fun w _ c => qmean (fun j => v w j c).
Definition qinner (a b : qvec) : Q :=
  qsum n (fun w => (nth w (q_prob m) 0 * qmean (fun i => qsum (q_dim m) (fun c => a w i c * b w i c)))%Q).
Fixpoint qs (sc : list Q) (e : sx) : Q :=
  match e with
  | SC z => inject_Z z
  | SV i => nth i sc 0%Q
  | SAdd a b => Qred (qs sc a + qs sc b)
  | SSub a b => Qred (qs sc a - qs sc b)
  | SMul a b => Qred (qs sc a * qs sc b)
  | SNeg a => Qred (- qs sc a)
  | SPow a k => qpow (qs sc a) k
  | SDot u v => qinner (qv sc u) (qv sc v)
  | SSq u => qinner (qv sc u) (qv sc u)
  end
with qv (sc : list Q) (e : vx) : qvec :=
  match e with
  | VZ => fun _ _ _ => 0%Q
  | VA i => match nth_error tables i with Some t => entries t | None => fun _ _ _ => 0%Q end
  | VAdd u v => fun w i c => Qred (qv sc u w i c + qv sc v w i c)
  | VSub u v => fun w i c => Qred (qv sc u w i c + -1 * qv sc v w i c)
  | VScal s v => let r := qs sc s in fun w i c => Qred (r * qv sc v w i c)
  | VOp k v => match k with
               | O => qaverage (qv sc v)
               | S j => match nth_error mats j with Some A => q_apply A (qv sc v) | None => qv sc v end
               end
  end.

Let H := space model.
Definition agree (sc : list R) (q : list Q) : Prop := length sc = length q /\ forall i, nth i sc 0 = Q2R (nth i q 0%Q).
Lemma Q2R_mean f : Q2R (qmean f) = mean model (fun i => Q2R (f i)).
Proof.
  assert (W : 0 < INR (q_workers m)) by apply (workers_INR model).
  unfold qmean, mean; rewrite Q2R_red, Q2R_div, Q2R_sum, Q2R_int, <- INR_IZR_INZ; [reflexivity |].
  intro E; apply Qeq_eqR in E; rewrite Q2R_int, <- INR_IZR_INZ in E; replace (Q2R 0) with 0 in E by (unfold Q2R; simpl; ring); lra.
Qed.
Lemma Q2R_inner a b u v : (forall w i c, Q2R (a w i c) = u w i c) -> (forall w i c, Q2R (b w i c) = v w i c) ->
  Q2R (qinner a b) = inner model u v.
Proof.
  intros A B; unfold qinner; rewrite Q2R_sum; apply sum_ext; intros w _; rewrite Q2R_mult, Q2R_mean; f_equal.
  apply mean_ext; intros i _; rewrite Q2R_sum; apply sum_ext; intros c _; now rewrite Q2R_mult, A, B.
Qed.
Lemma values_ok sc q : agree sc q ->
  (forall e, Q2R (qs q e) = @sden H sc ats ops e) /\ (forall e w i c, Q2R (qv q e w i c) = @vden H sc ats ops e w i c).
Proof.
  intros [_ A]; apply sx_vx; intros; cbn [qs qv sden vden]; cbv beta zeta.
  - apply Q2R_int.
  - symmetry; apply A.
  - now rewrite Q2R_red, Q2R_plus, H0, H1.
  - now rewrite Q2R_red, Q2R_minus, H0, H1.
  - now rewrite Q2R_red, Q2R_mult, H0, H1.
  - now rewrite Q2R_red, Q2R_opp, H0.
  - now rewrite Q2R_pow, H0.
  - now apply Q2R_inner.
  - now apply Q2R_inner.
  - exact Q2R_zero.
  - unfold av, ats; rewrite nth_map_error; destruct (nth_error tables i); [reflexivity | exact Q2R_zero].
  - now rewrite Q2R_red, Q2R_plus, H0, H1.
  - rewrite Q2R_red, Q2R_plus, Q2R_mult, H0, H1; change (Q2R (-1)) with (-1 * / 1); rewrite Rinv_1, Rmult_1_r; reflexivity.
  - now rewrite Q2R_red, Q2R_mult, H0, H1.
  - destruct k as [| j]; unfold ov; cbn [qv].
    + unfold qaverage; rewrite Q2R_mean; apply mean_ext; intros; apply H0.
    + unfold ops; rewrite nth_map_error; destruct (nth_error mats j); [| apply H0].
      unfold q_apply, apply_matrices; rewrite Q2R_sum; apply sum_ext; intros e _; now rewrite Q2R_mult, H0.
Qed.

(* -- the scalars: the given ones, then 1/q for each q of a list -- *)
Fixpoint with_inverses (sc : list R) (divisors : list sx) : list R :=
  match divisors with [] => sc | q :: rest => with_inverses (sc ++ [/ @sden H sc ats ops q]) rest end.
Fixpoint q_with_inverses (q : list Q) (divisors : list sx) : option (list Q) :=
  match divisors with
  | [] => Some q
  | e :: rest => if Qeq_bool (qs q e) 0 then None else q_with_inverses (q ++ [Qinv (qs q e)]) rest
  end.
Lemma with_inverses_ok divisors : forall sc q out, agree sc q -> q_with_inverses q divisors = Some out ->
  agree (with_inverses sc divisors) out.
Proof.
  induction divisors as [| e rest IH]; simpl; intros sc q out A E; [injection E as <-; exact A |].
  destruct (Qeq_bool (qs q e) 0) eqn:Z; [discriminate |]; refine (IH _ _ _ _ E); clear IH E.
  destruct (values_ok _ _ A) as [B _]; destruct A as [L A]; split; [rewrite !app_length; simpl; lia |].
  intro i; destruct (Nat.lt_ge_cases i (length sc)) as [I | I].
  - rewrite !app_nth1 by lia; apply A.
  - rewrite !app_nth2 by lia; rewrite L; destruct (i - length q)%nat as [| k]; simpl.
    + rewrite Q2R_inv, B; [reflexivity | apply Qeq_bool_neq, Z].
    + destruct k; symmetry; exact Q2R_zero.
Qed.

(* -- declarations and relations hold -- *)
Definition same_at (t : nat) (w z : nat) : bool := Nat.eqb (q_cell m t w) (q_cell m t z).
Definition everywhere (f : nat -> nat -> bool) : bool := below (q_workers m) (fun i => below (q_dim m) (f i)).
Lemma everywhere_ok f : everywhere f = true -> forall i c, (i < q_workers m)%nat -> (c < q_dim m)%nat -> f i c = true.
Proof. intros E i c I C; apply (below_ok _ _ (below_ok _ _ E i I) c C). Qed.
Definition q_measurable (t : nat) (v : qvec) : bool :=
  below n (fun w => below n (fun z => negb (same_at t w z) || everywhere (fun i c => Qeq_bool (v w i c) (v z i c)))).
Definition q_same (v : qvec) : bool := below n (fun w => everywhere (fun i c => Qeq_bool (v w i c) (v w 0%nat c))).
Definition q_conditional (t : nat) (u v : qvec) : bool :=
  below n (fun z => everywhere (fun i c =>
    Qeq_bool (qsum n (fun w => if same_at t w z then nth w (q_prob m) 0 * u w i c else 0)%Q)
             (qsum n (fun w => if same_at t w z then nth w (q_prob m) 0 * v w i c else 0)%Q))).
Definition reads_as (v : qvec) (u : vec) : Prop := forall w i c, Q2R (v w i c) = u w i c.
Lemma q_measurable_ok t v u : reads_as v u -> q_measurable t v = true -> measurable model t u.
Proof.
  intros R A w z W Z E i c I C; apply (below_ok _ _) with (i := w) in A; [| exact W].
  apply (below_ok _ _) with (i := z) in A; [| exact Z]; unfold same_at in A.
  simpl in E; rewrite E, Nat.eqb_refl in A; simpl in A; apply everywhere_ok with (i := i) (c := c) in A; [| exact I | exact C].
  rewrite <- !R; now apply Qeq_eqR, Qeq_bool_iff.
Qed.
Lemma q_same_ok v u : reads_as v u -> q_same v = true -> same model u.
Proof.
  intros R A w i j c W I J C; apply (below_ok _ _) with (i := w) in A; [| exact W].
  transitivity (u w 0%nat c); [| symmetry]; rewrite <- !R; apply Qeq_eqR, Qeq_bool_iff;
    [exact (everywhere_ok _ A i c I C) | exact (everywhere_ok _ A j c J C)].
Qed.
Lemma q_conditional_ok t a b u v : reads_as a u -> reads_as b v -> q_conditional t a b = true -> conditional model t u v.
Proof.
  intros X Y A z i c Z I C; apply (below_ok _ _) with (i := z) in A; [| exact Z].
  apply everywhere_ok with (i := i) (c := c) in A; [| exact I | exact C]; apply Qeq_bool_iff, Qeq_eqR in A; rewrite !Q2R_sum in A.
  transitivity (sum n (fun w => Q2R (if same_at t w z then nth w (q_prob m) 0 * a w i c else 0)%Q));
    [| rewrite A]; apply sum_ext; intros w _; unfold together, same_at; simpl;
    destruct (Nat.eqb (q_cell m t w) (q_cell m t z)); rewrite ?Q2R_mult, ?Q2R_zero, ?X, ?Y; ring.
Qed.
Fixpoint q_declared (sc : list Q) (i : nat) (l : list info) : bool :=
  match l with
  | [] => true
  | a :: rest =>
    q_measurable (lev a) (qv sc (VA i)) && (if com a then q_same (qv sc (VA i)) else true)
    && match Compth.mean a with Some (t, v) => q_conditional t (qv sc (VA i)) (qv sc v) | None => true end
    && q_declared sc (S i) rest
  end.
Lemma q_declared_ok sc q l : agree sc q -> forall i, q_declared q i l = true -> @declared H sc ats ops i l.
Proof.
  intro A; destruct (values_ok _ _ A) as [_ B]; induction l as [| a l IH]; simpl; intros i E; [exact I |].
  repeat (apply andb_prop in E; destruct E as [E ?]).
  assert (R : forall e, reads_as (qv q e) (@vden H sc ats ops e)) by (intro e; exact (B e)).
  repeat split; [exact (q_measurable_ok _ _ _ (R (VA i)) E) | | | now apply IH].
  - destruct (com a); [| exact I]; apply same_common; exact (q_same_ok _ _ (R (VA i)) H2).
  - destruct (Compth.mean a) as [[t v] |]; [| exact I]; apply conditional_drawn; exact (q_conditional_ok _ _ _ _ _ (R (VA i)) (R v) H1).
Qed.
Definition q_holds (sc : list Q) (r : rel) : bool :=
  let '(Rel k a b) := r in
  match k with
  | KLe => Qle_bool (qs sc a) (qs sc b)
  | KLt => negb (Qle_bool (qs sc b) (qs sc a))
  | KEq => Qeq_bool (qs sc a) (qs sc b)
  end.
Lemma q_holds_ok sc q l : agree sc q -> forallb (q_holds q) l = true -> @all_hold H sc ats ops l.
Proof.
  intro A; destruct (values_ok _ _ A) as [B _]; induction l as [| [k a b] l IH]; simpl; intro E; [exact I |].
  apply andb_prop in E; destruct E as [E F]; split; [| now apply IH]; rewrite <- !B; destruct k.
  - now apply Qle_Rle, Qle_bool_iff.
  - apply Qlt_Rlt; apply negb_true_iff in E; destruct (Qlt_le_dec (qs q a) (qs q b)) as [L | L]; [exact L | apply Qle_bool_iff in L; congruence].
  - now apply Qeq_eqR, Qeq_bool_iff.
Qed.

(* -- operators: symmetric matrices, known when they should be, the same at every worker -- *)
Definition at_entry (A : matrices) (w i r c : nat) : Q := nth c (nth r (nth i (nth w A []) []) []) 0%Q.
Definition throughout (f : nat -> nat -> nat -> bool) : bool := everywhere (fun i r => below (q_dim m) (f i r)).
Definition q_symmetric (A : matrices) : bool :=
  below n (fun w => throughout (fun i r c => Qeq_bool (at_entry A w i r c) (at_entry A w i c r))).
Definition q_known (t : nat) (A : matrices) : bool :=
  below n (fun w => below n (fun z => negb (same_at t w z)
    || throughout (fun i r c => Qeq_bool (at_entry A w i r c) (at_entry A z i r c)))).
Definition q_commutes (A : matrices) : bool :=
  below n (fun w => throughout (fun i r c => Qeq_bool (at_entry A w i r c) (at_entry A w 0%nat r c))).
Lemma throughout_ok f : throughout f = true -> forall i r c, (i < q_workers m)%nat -> (r < q_dim m)%nat -> (c < q_dim m)%nat -> f i r c = true.
Proof. intros E i r c I R C; exact (below_ok _ _ (everywhere_ok _ E i r I R) c C). Qed.
Lemma cell_le t s w z : (t <= s)%nat -> (w < n)%nat -> (z < n)%nat -> cell model s w = cell model s z -> cell model t w = cell model t z.
Proof. intros L W Z; induction L; [auto |]; intro E; apply IHL; now apply (cell_finer model). Qed.
Lemma symmetric_ok A : q_symmetric A = true -> forall a b, inner model (apply_matrices A a) b = inner model a (apply_matrices A b).
Proof.
  intros S a b; apply sum_ext; intros w W; f_equal; apply mean_ext; intros i I; unfold apply_matrices.
  transitivity (sum (q_dim m) (fun c => sum (q_dim m) (fun e => Q2R (at_entry A w i c e) * a w i e * b w i c))).
  { apply sum_ext; intros c _; rewrite Rmult_comm, <- sum_scal; apply sum_ext; intros e _; unfold at_entry; ring. }
  rewrite sum_swap; apply sum_ext; intros e E; rewrite <- sum_scal; apply sum_ext; intros c C.
  pose proof (throughout_ok _ (below_ok _ _ S w W) i c e I C E) as Q; apply Qeq_bool_iff, Qeq_eqR in Q; rewrite Q; unfold at_entry; ring.
Qed.
Lemma known_ok t A : q_known t A = true -> forall s v, (t <= s)%nat -> measurable model s v -> measurable model s (apply_matrices A v).
Proof.
  intros K s v L Y w z W Z E i c I C; apply sum_ext; intros e D; rewrite (Y w z W Z E i e I D); f_equal.
  pose proof (below_ok _ _ (below_ok _ _ K w W) z Z) as Q; cbv beta in Q; unfold same_at in Q.
  apply (cell_le _ _ _ _ L W Z) in E; simpl in E; rewrite E, Nat.eqb_refl in Q; simpl in Q.
  apply Qeq_eqR, Qeq_bool_iff; exact (throughout_ok _ Q i c e I C D).
Qed.
Lemma commutes_ok A : q_commutes A = true -> forall a b, inner model a (apply_matrices A (average model b)) = inner model a (average model (apply_matrices A b)).
Proof.
  intros S a b; apply inner_ext; intros w i c W I C; f_equal; unfold average, apply_matrices, mean, Rdiv.
  rewrite sum_swap, Rmult_comm, <- sum_scal; apply sum_ext; intros e E.
  rewrite (sum_ext _ (fun j => Q2R (at_entry A w j c e) * b w j e) (fun j => Q2R (at_entry A w i c e) * b w j e)).
  - rewrite sum_scal; unfold at_entry; simpl; ring.
  - intros j J; f_equal.
    pose proof (throughout_ok _ (below_ok _ _ S w W) j c e J C E) as X.
    pose proof (throughout_ok _ (below_ok _ _ S w W) i c e I C E) as Y; cbv beta in X, Y.
    apply Qeq_bool_iff, Qeq_eqR in X; apply Qeq_bool_iff, Qeq_eqR in Y; congruence.
Qed.
Definition q_operator (o : opinfo) (A : matrices) : bool :=
  q_symmetric A && q_known (olev o) A && (if ocom o then q_commutes A else true).
Fixpoint q_operators (k : nat) (l : list opinfo) : bool :=
  match l with
  | [] => true
  | o :: rest => match nth_error mats k with Some A => q_operator o A | None => false end && q_operators (S k) rest
  end.
Lemma q_operators_ok l : forall k, q_operators k l = true -> @operators H ops (S k) l.
Proof.
  induction l as [| o l IH]; simpl; intros k E; [exact I |]; apply andb_prop in E; destruct E as [E F]; apply IH in F.
  destruct (nth_error mats k) as [A |] eqn:N; [| discriminate].
  change (@ov H ops (S k)) with (nth k ops (fun v => v)).
  assert (R : nth k ops (fun v => v) = apply_matrices A) by (unfold ops; now rewrite nth_map_error, N).
  unfold q_operator in E; repeat (apply andb_prop in E; destruct E as [E ?]); rewrite R; repeat split.
  - now apply symmetric_ok.
  - now apply known_ok.
  - destruct (ocom o); [exact (commutes_ok A H0) | exact I].
  - exact F.
Qed.

(* What every instance applies. *)
Definition instance (base : list Q) (divisors : list sx) (infos : list info) (opinfos : list opinfo) (facts : list rel) : bool :=
  match q_with_inverses base divisors with
  | Some q => q_declared q 0 infos && q_operators 0 opinfos && forallb (q_holds q) facts
  | None => false
  end.
Definition reals (base : list Q) (divisors : list sx) : list R := with_inverses (map Q2R base) divisors.
Theorem instance_ok base divisors infos opinfos facts : instance base divisors infos opinfos facts = true ->
  @declared H (reals base divisors) ats ops 0 infos /\ @operators H ops 1 opinfos
  /\ @all_hold H (reals base divisors) ats ops facts.
Proof.
  unfold instance; destruct (q_with_inverses base divisors) as [q |] eqn:E; [| discriminate]; intro A.
  repeat (apply andb_prop in A; destruct A as [A ?]).
  assert (B : agree (map Q2R base) base).
  { split; [apply map_length |]; intro i; rewrite nth_map_error; destruct (nth_error base i) eqn:D.
    - now rewrite (nth_error_nth _ _ _ D).
    - apply nth_error_None in D; rewrite nth_overflow by exact D; symmetry; exact Q2R_zero. }
  pose proof (with_inverses_ok _ _ _ _ B E) as G.
  split; [| split]; [exact (q_declared_ok _ _ _ G 0 A) | now apply q_operators_ok | exact (q_holds_ok _ _ _ G H0)].
Qed.
End Valid.
